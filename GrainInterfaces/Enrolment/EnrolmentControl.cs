namespace ControlPlane.Enrolment;

/// <summary>Whether nodes may enrol into one overlay, and how many.</summary>
/// <param name="Overlay">The overlay.</param>
/// <param name="Version">Counts up with each change: who waits for a change waits for another number.</param>
/// <param name="Pause">Nothing enrols; null when it was not paused.</param>
/// <param name="Brake">Nothing that fell out of the overlay enrols again by itself, or nothing at all; null while it is off.</param>
/// <param name="Limit">How many may begin in a minute; null: as many as can be borne.</param>
/// <param name="AreFallsChecked">
/// So many are said to have fallen that the brake would be set: until it is known of how many it is true, who fell makes no keys.
/// </param>
/// <param name="BrakesAll">The brake stops everybody: nodes that were configured did not arrive.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.EnrolmentControl")]
public sealed record EnrolmentControl(
    [property: Id(0)] string Overlay,
    [property: Id(1)] long Version = 0,
    [property: Id(2)] EnrolmentStop? Pause = null,
    [property: Id(3)] EnrolmentStop? Brake = null,
    [property: Id(4)] EnrolmentLimit? Limit = null,
    [property: Id(5)] bool AreFallsChecked = false,
    [property: Id(6)] bool BrakesAll = false);

/// <param name="By">Who stopped it.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.EnrolmentStop")]
public sealed record EnrolmentStop([property: Id(0)] string By, [property: Id(1)] string Reason, [property: Id(2)] DateTimeOffset At);

/// <param name="PerMinute">Enrolments that may begin in a minute, on all silos together.</param>
/// <param name="By">Who set it.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.EnrolmentLimit")]
public sealed record EnrolmentLimit(
    [property: Id(0)] int PerMinute,
    [property: Id(1)] string By,
    [property: Id(2)] string Reason,
    [property: Id(3)] DateTimeOffset At);

/// <summary>What a held node waits for besides time: that an overlay's control changes.</summary>
/// <param name="Overlay">The overlay, or <see cref="AnyOverlay"/>.</param>
/// <param name="Version">The version that holds the node; of all overlays together for <see cref="AnyOverlay"/>.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ControlMark")]
public sealed record ControlMark([property: Id(0)] string Overlay, [property: Id(1)] long Version)
{
    /// <summary>The node's overlay is not known yet, and none is open: it waits for any of them. No overlay can have this name.</summary>
    public const string AnyOverlay = "*";
}
