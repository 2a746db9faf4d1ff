using ControlPlane.Nodes;

namespace ControlPlane.Enrolment;

/// <summary>Decides whether operators and the brake let an enrolment go on. Pure.</summary>
/// <remarks>
/// Looked at twice: before the node is asked anything, where the overlay is known already or none is open; and after the placement, before
/// keys are made. From there on an enrolment is finished, unless nodes that are configured are lost.
/// </remarks>
internal static class AdmissionCheck
{
    /// <summary>
    /// How long a held node waits before its placement is asked again: the policy may have another overlay for it by then. It goes on
    /// at once when what holds it changes.
    /// </summary>
    public static readonly TimeSpan Recheck = TimeSpan.FromHours(1);

    /// <summary>
    /// A turn that is this near is waited for in place; for a later one the node is held, and its place given to another.
    /// </summary>
    private static readonly TimeSpan TurnWaitMax = TimeSpan.FromSeconds(2);

    /// <summary>How long after its time a turn is good: turns that were saved up must not be used all at once.</summary>
    public static readonly TimeSpan TurnGrace = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long after its news a fallen node makes no keys while falls are checked. A silo attests some hundred nodes a second.
    /// </summary>
    private static readonly TimeSpan FallCheck = TimeSpan.FromSeconds(30);

    /// <summary>When a renewal that may not begin is looked at again.</summary>
    private static readonly TimeSpan RenewalRecheck = TimeSpan.FromMinutes(10);

    public static EnrolmentStep.Park? BeforeAttestation(NodeState state, EnrolmentControls controls, DateTimeOffset now)
    {
        var hasFallen = HasFallen(state, now);
        var overlay = ExpectedOverlay(state, controls, hasFallen, now);
        return overlay is not null && controls.Obstacle(overlay, hasFallen) is { } obstacle
            ? Park(overlay, obstacle, controls, now)
            : controls.ObstacleEverywhere(hasFallen) is { } everywhere ? Park(ControlMark.AnyOverlay, everywhere, controls, now) : null;
    }

    /// <summary>Events say that more fell than the brake lets enrol again: first it is found out of how many that is true.</summary>
    public static EnrolmentStep.Park? AfterAttestation(NodeState state, EnrolmentControls controls, DateTimeOffset now) =>
        controls.Find(state.Overlay) is { AreFallsChecked: true }
        && HasFallen(state, now)
        && state.WaitingSince + FallCheck is { } checkedAt && checkedAt > now
            ? new EnrolmentStep.Park(new Hold(
                NodeStage.Deferred,
                $"many nodes of overlay {state.Overlay} are said to have fallen back to provisioning; it is found out how many have",
                checkedAt,
                Refusal: null))
            : null;

    public static EnrolmentStep? AfterPlacement(NodeState state, EnrolmentControls controls, DateTimeOffset now)
    {
        if (state.Overlay is not { } overlay)
        {
            return null;
        }

        if (controls.Obstacle(overlay, HasFallen(state, now)) is { } obstacle)
        {
            return Park(overlay, obstacle, controls, now);
        }

        return controls.LimitOf(overlay) is null ? null
            : TurnOrNull(state, controls, now) is not { } turn ? new EnrolmentStep.ReserveSlot()
            : turn.At > now ? new EnrolmentStep.Wait(turn.At)
            : null;
    }

    /// <summary>Whether a turn has come, or comes so soon that nobody else could use the place meanwhile.</summary>
    public static bool IsNear(EnrolmentSlot turn, DateTimeOffset now) => turn.At - now <= TurnWaitMax;

    /// <summary>
    /// Whoever has keys goes on through a pause; not when nodes are lost by what they are given. They make other keys when it is mended:
    /// a certificate that waited for days might not outlast the way.
    /// </summary>
    public static EnrolmentStep.Park? BeforeConfiguration(NodeState state, EnrolmentControls controls, DateTimeOffset now) =>
        state.Overlay is { } overlay && controls.Find(overlay) is { BrakesAll: true } && controls.Obstacle(overlay, false) is { } obstacle
            ? Park(overlay, obstacle, controls, now)
            : null;

    /// <summary>A node that renews leaves its overlay for a moment: not while nobody is let in again.</summary>
    public static EnrolmentStep? BeforeRenewal(NodeState state, EnrolmentControls controls, DateTimeOffset now) =>
        state.Overlay is { } overlay && controls.Obstacle(overlay, hasFallen: true) is not null
            ? new EnrolmentStep.Nothing(now + RenewalRecheck)
            : null;

    /// <summary>Whether a hold is over: its time has come, or what it waited for has changed.</summary>
    public static bool IsOver(Hold hold, EnrolmentControls controls, DateTimeOffset now) =>
        hold.Until <= now || (hold.WaitsFor is { } mark && controls.HasChangedSince(mark));

    /// <summary>Whether the node was enrolled and comes back without having been asked to.</summary>
    public static bool HasFallen(NodeState state, DateTimeOffset now) =>
        state.Held is not null && !state.WasAskedToEnrol(state.WaitingSince ?? now);

    // Known before the placement: who fell out of an overlay belongs there still, and who waits for one was placed there. The latter is
    // looked at anew when its hour is over.
    private static string? ExpectedOverlay(NodeState state, EnrolmentControls controls, bool hasFallen, DateTimeOffset now) =>
        state.Hold is { WaitsFor: { Overlay: not ControlMark.AnyOverlay } mark } hold && hold.Until > now && controls.HasChangedSince(mark)
            ? mark.Overlay
            : hasFallen ? state.Overlay : null;

    private static EnrolmentSlot? TurnOrNull(NodeState state, EnrolmentControls controls, DateTimeOffset now) =>
        state.Turn is { } turn
        && turn.Mark.Overlay == state.Overlay
        && !controls.HasChangedSince(turn.Mark)
        && IsNear(turn, now)
        && now - turn.At <= TurnGrace
            ? turn
            : null;

    private static EnrolmentStep.Park Park(string overlay, string reason, EnrolmentControls controls, DateTimeOffset now) =>
        new(new Hold(NodeStage.Deferred, reason, now + Recheck, Refusal: null, controls.MarkOf(overlay)));
}
