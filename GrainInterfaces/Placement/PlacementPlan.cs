namespace ControlPlane.Placement;

/// <summary>What a plan is for.</summary>
public enum PlanKind
{
    /// <summary>Empties an overlay.</summary>
    Drain = 0,

    /// <summary>Empties an overlay for good: it is Retired when the plan is done.</summary>
    Retire = 1,

    /// <summary>Brings nodes into overlays that were added, from those above the mean.</summary>
    Expand = 2,

    /// <summary>Brings overlays below the policy's skew.</summary>
    Rebalance = 3,

    /// <summary>Brings together required groups that are split, and nodes that their overlay's rules reject to where they belong.</summary>
    Regroup = 4,
}

/// <summary>How far a plan is.</summary>
public enum PlanStage
{
    Draft = 0,
    Approved = 1,
    Running = 2,
    Paused = 3,
    Done = 4,
    Aborted = 5,
}

/// <summary>An immutable list of moves, and what was known when it was made.</summary>
/// <param name="Id">Names it in its region, e.g. <c>retire-7</c>.</param>
/// <param name="Kind">What it is for.</param>
/// <param name="Overlay">The overlay to empty; empty for the other kinds.</param>
/// <param name="PolicyVersion">The policy that it was made under.</param>
/// <param name="Sequence">The ledger's sequence that it was made from.</param>
/// <param name="CreatedAt">When.</param>
/// <param name="Actor">Who asked for it.</param>
/// <param name="Moves">In the order in which they are to be made, by group.</param>
/// <param name="Nodes">How many nodes move.</param>
/// <param name="LowerBound">No plan for the same end moves fewer.</param>
/// <param name="Peaks">The highest load that each overlay reaches on the way.</param>
/// <param name="Unplaced">Nodes that no other overlay can take: they stay.</param>
/// <param name="Duration">At the policy's rate.</param>
/// <param name="Reason">Why it was asked for, in that operator's words; empty when they did not say.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacementPlan")]
public sealed record PlacementPlan(
    [property: Id(0)] string Id,
    [property: Id(1)] PlanKind Kind,
    [property: Id(2)] string Overlay,
    [property: Id(3)] int PolicyVersion,
    [property: Id(4)] long Sequence,
    [property: Id(5)] DateTimeOffset CreatedAt,
    [property: Id(6)] string Actor,
    [property: Id(7)] IReadOnlyList<PlannedMove> Moves,
    [property: Id(8)] int Nodes,
    [property: Id(9)] int LowerBound,
    [property: Id(10)] IReadOnlyList<OverlayPeak> Peaks,
    [property: Id(11)] int Unplaced,
    [property: Id(12)] TimeSpan Duration,
    [property: Id(13)] string Reason = "")
{
    /// <summary>Moves for each move that had to be; 1 is the best there is.</summary>
    public double Ratio => LowerBound == 0 ? 1 : (double)Nodes / LowerBound;
}

/// <summary>One group, or a handful of nodes without one, from one overlay to another.</summary>
/// <param name="Group">The group; empty for nodes without one.</param>
/// <param name="From">Where they are.</param>
/// <param name="To">Where they go.</param>
/// <param name="Identities">The nodes.</param>
/// <param name="FromLoad">Nodes and reservations of <paramref name="From"/> after the move.</param>
/// <param name="ToLoad">Nodes and reservations of <paramref name="To"/> after the move: its peak so far, for it only grows.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlannedMove")]
public sealed record PlannedMove(
    [property: Id(0)] string Group,
    [property: Id(1)] string From,
    [property: Id(2)] string To,
    [property: Id(3)] IReadOnlyList<string> Identities,
    [property: Id(4)] int FromLoad,
    [property: Id(5)] int ToLoad);

/// <param name="Overlay">Its name.</param>
/// <param name="Before">Its load when the plan was made.</param>
/// <param name="Peak">Its highest load on the way.</param>
/// <param name="After">Its load when the plan is done.</param>
/// <param name="HardLimit">What it may never exceed.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayPeak")]
public sealed record OverlayPeak(
    [property: Id(0)] string Overlay,
    [property: Id(1)] int Before,
    [property: Id(2)] int Peak,
    [property: Id(3)] int After,
    [property: Id(4)] int HardLimit);

/// <summary>How far a plan is.</summary>
/// <param name="Id">The plan.</param>
/// <param name="Kind">What it is for.</param>
/// <param name="Overlay">The overlay to empty; empty for the other kinds.</param>
/// <param name="Stage">How far.</param>
/// <param name="Reason">Why it is in this stage: what the brake saw, or who commanded it and why; empty when nobody did.</param>
/// <param name="Actor">Who brought it there.</param>
/// <param name="ChangedAt">When.</param>
/// <param name="Nodes">How many nodes it moves in all.</param>
/// <param name="Job">The job that carries it out, at the site of the region's leader; it is there when the plan was approved.</param>
/// <param name="UnderWay">Nodes that were told and have not arrived.</param>
/// <param name="Moved">Nodes that arrived where the plan wanted them.</param>
/// <param name="Skipped">Nodes that were not where the plan thought, or may not go where it wanted: each is reported.</param>
/// <param name="Failed">Nodes that did not arrive in time, or refused.</param>
/// <param name="Reports">Why nodes were skipped or failed; at most 100: the job's results have all.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlanProgress")]
public sealed record PlanProgress(
    [property: Id(0)] string Id,
    [property: Id(1)] PlanKind Kind,
    [property: Id(2)] string Overlay,
    [property: Id(3)] PlanStage Stage,
    [property: Id(4)] string Reason,
    [property: Id(5)] string Actor,
    [property: Id(6)] DateTimeOffset ChangedAt,
    [property: Id(7)] int Nodes,
    [property: Id(8)] string Job,
    [property: Id(9)] int UnderWay,
    [property: Id(10)] int Moved,
    [property: Id(11)] int Skipped,
    [property: Id(12)] int Failed,
    [property: Id(13)] IReadOnlyList<string> Reports);
