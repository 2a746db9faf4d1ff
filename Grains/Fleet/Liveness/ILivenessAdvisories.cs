using ControlPlane.Store;

namespace ControlPlane.Fleet;

/// <summary>Tells the overlay that a node is new, silent, lost or back, in the form of Choria's age advisories.</summary>
public interface ILivenessAdvisories
{
    /// <summary>
    /// Publishes an advisory; when it returns, the broker has stored it. Safe to repeat: the same one is stored once within two minutes.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The broker did not store it.</exception>
    Task PublishAsync(LivenessAdvisory advisory, CancellationToken cancellationToken);
}

/// <param name="Identity">The node.</param>
/// <param name="Kind">What happened.</param>
/// <param name="LastHeardAt">When it was heard last.</param>
/// <param name="At">When it was decided.</param>
public sealed record LivenessAdvisory(string Identity, AdvisoryKind Kind, DateTimeOffset LastHeardAt, DateTimeOffset At);

/// <summary>The events of Choria's age advisories.</summary>
public enum AdvisoryKind
{
    /// <summary><c>new</c>: heard for the first time.</summary>
    New = 1,

    /// <summary><c>timeout</c>: late.</summary>
    Timeout = 2,

    /// <summary><c>recover</c>: returned.</summary>
    Recover = 3,

    /// <summary><c>expire</c>: lost.</summary>
    Expire = 4,
}

/// <summary>Whether this silo can hear its fleet.</summary>
public interface IFleetConnectivity
{
    /// <summary>False while the connection to an overlay's brokers is down: silence then says nothing of nodes.</summary>
    bool IsHearing { get; }
}
