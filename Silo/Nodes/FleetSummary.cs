
using ControlPlane.Placement;

namespace ControlPlane.Nodes;

/// <summary>How the overlay stands, on one page.</summary>
/// <param name="At">When it was counted.</param>
/// <param name="Region">The region.</param>
/// <param name="Overlay">The overlay that this silo runs.</param>
/// <param name="Total">Nodes heard of.</param>
/// <param name="Stages">How many of them are in each stage; stages without nodes are zero.</param>
/// <param name="EnrolledPerMinute">How many more were enrolled in the last minute than in the one before it ended.</param>
/// <param name="Overlays">The region's overlays; null while the placement does not answer.</param>
/// <param name="Refused">Some of the refused nodes, those heard of last first.</param>
internal sealed record FleetSummary(
    DateTimeOffset At,
    string Region,
    string Overlay,
    int Total,
    IReadOnlyDictionary<NodeStage, int> Stages,
    int EnrolledPerMinute,
    IReadOnlyList<OverlayStatus>? Overlays,
    IReadOnlyList<RosterEntry> Refused);
