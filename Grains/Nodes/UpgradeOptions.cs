namespace ControlPlane.Nodes;

/// <summary>Updates of nodes before they are configured: <c>upgrade</c> of a layer or of the helper.</summary>
public sealed class UpgradeOptions
{
    /// <summary>Where nodes fetch releases from, a <c>go-updater</c> repository. None by default: nobody is updated.</summary>
    public string? Repository { get; set; }

    /// <summary>Whether a node that cannot be updated enrols as it is. False by default: it waits.</summary>
    public bool Optional { get; set; }

    /// <summary>Whether a lower version than the node's counts as an update. False by default.</summary>
    public bool AllowDowngrade { get; set; }

    /// <summary>
    /// How long a node that was told to update itself may take to start again, before it is looked at. 10 seconds to 1 hour; 5 minutes by
    /// default.
    /// </summary>
    [Between("00:00:10", "01:00:00")]
    public TimeSpan Deadline { get; set; } = TimeSpan.FromMinutes(5);
}
