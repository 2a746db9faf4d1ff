
using ControlPlane.Enrolment;

namespace ControlPlane.Placement;

/// <summary>How an overlay stands: what the placement says of it, and whether nodes may enrol into it.</summary>
/// <param name="Name">The overlay's name.</param>
/// <param name="State">What may happen in it.</param>
/// <param name="Nodes">Nodes that arrived.</param>
/// <param name="Reserved">Places held by enrolments that run.</param>
/// <param name="SoftLimit">Above this many nodes and reservations only members of its own groups are taken.</param>
/// <param name="HardLimit">Never more than this many nodes and reservations.</param>
/// <param name="Promised">Places kept for members that groups declared and that have not come yet.</param>
/// <param name="StateReason">Why it is in that state, as the operator said; empty when nobody said.</param>
/// <param name="Enrolment">What operators and the brake let happen; null for an overlay that is not configured here.</param>
internal sealed record OverlayStatus(
    string Name,
    OverlayState State,
    int Nodes,
    int Reserved,
    int SoftLimit,
    int HardLimit,
    int Promised,
    string StateReason,
    EnrolmentControl? Enrolment)
{
    /// <summary>In words, for people.</summary>
    public string EnrolmentInWords() => Enrolment switch
    {
        null => "-",
        { Pause: { } pause } => $"paused by {pause.By}: {pause.Reason}",
        { Brake: { } brake } => $"brake on: {brake.Reason}",
        { Limit: { } limit } => $"at most {limit.PerMinute} a minute, set by {limit.By}: {limit.Reason}",
        _ => "open",
    };

    public static async Task<IReadOnlyList<OverlayStatus>> ListAsync(IGrainFactory grains, string region)
    {
        var overlays = await grains.GetGrain<IRegionPlacementGrain>(region).ListOverlays();
        var controls = await Task.WhenAll(overlays.Select(overlay => grains.GetGrain<IEnrolmentControlGrain>(overlay.Name).Get()));
        return [.. overlays.Zip(controls, (overlay, control) => new OverlayStatus(
            overlay.Name,
            overlay.State,
            overlay.Nodes,
            overlay.Reserved,
            overlay.SoftLimit,
            overlay.HardLimit,
            overlay.Promised,
            overlay.StateReason,
            control))];
    }
}
