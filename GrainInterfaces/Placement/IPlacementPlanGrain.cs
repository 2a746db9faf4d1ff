namespace ControlPlane.Placement;

using ControlPlane.Access;
using ControlPlane.Nodes;
using Orleans.Concurrency;

/// <summary>The plans by which nodes of a region move. The same grain as <see cref="IRegionPlacementGrain"/>, seen by operators.</summary>
/// <remarks>
/// Key: the region's name. A move is a re-provision through the normal enrolment: the new place is reserved before the node is told,
/// and the old one is released when the node has arrived. An approved plan is carried out by a job (<see cref="PlanProgress.Job"/>), which
/// the region submits: what becomes of the job becomes of the plan. Every command may say why, in the operator's words: at most 200
/// characters, kept with the plan and in the record of calls; empty for no reason.
/// </remarks>
[Alias("ControlPlane.IPlacementPlanGrain")]
public interface IPlacementPlanGrain : IGrainWithStringKey
{
    /// <summary>Makes a plan from the region as it is now. Moves nothing. Each call makes another plan.</summary>
    [Alias("CreatePlan"), ResponseTimeout("00:02:00"), Requires(Permissions.PlacementPlansCreate)]
    Task<PlanOutcome> CreatePlan(PlanRequest request);

    /// <summary>A plan with its moves; null when the region has none of that id.</summary>
    [Alias("ShowPlan"), ReadOnly, Requires(Permissions.PlacementRead)]
    Task<PlacementPlan?> ShowPlan(string id);

    /// <summary>All plans that are kept, newest first.</summary>
    [Alias("ListPlans"), ReadOnly, Requires(Permissions.PlacementRead)]
    Task<IReadOnlyList<PlanProgress>> ListPlans();

    /// <summary>Starts a draft, in the policy's window; one plan runs at a time. Safe to repeat.</summary>
    [Alias("ApprovePlan"), Requires(Permissions.PlacementPlansApprove, On = AccessTarget.Plan)]
    Task<PlanOutcome> ApprovePlan(string id, string reason = "");

    /// <summary>Lets a paused plan go on. Safe to repeat.</summary>
    [Alias("ResumePlan"), Requires(Permissions.PlacementPlansApprove, On = AccessTarget.Plan)]
    Task<PlanOutcome> ResumePlan(string id, string reason = "");

    /// <summary>Begins no further move until the plan is resumed; nodes on their way arrive. Safe to repeat.</summary>
    [Alias("PausePlan"), Requires(Permissions.PlacementPlansStop, On = AccessTarget.Plan)]
    Task<PlanOutcome> PausePlan(string id, string reason = "");

    /// <summary>Gives up what has not begun; nodes on their way arrive. Safe to repeat.</summary>
    [Alias("AbortPlan"), Requires(Permissions.PlacementPlansStop, On = AccessTarget.Plan)]
    Task<PlanOutcome> AbortPlan(string id, string reason = "");
}

/// <param name="Kind">What it is for.</param>
/// <param name="Overlay">The overlay to drain or retire; empty for the other kinds.</param>
/// <param name="Reason">Why, in the operator's words; kept with the plan. At most 200 characters; empty by default, for no reason.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlanRequest")]
public sealed record PlanRequest([property: Id(0)] PlanKind Kind, [property: Id(1)] string Overlay, [property: Id(2)] string Reason = "")
    : IGivesReason;

/// <summary>What became of a call about a plan.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlanOutcome")]
public abstract record PlanOutcome
{
    /// <summary>The plan is now so.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.PlanOutcome.Accepted")]
    public sealed record Accepted([property: Id(0)] PlanProgress Progress) : PlanOutcome;

    /// <summary>It cannot be done.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.PlanOutcome.Refused")]
    public sealed record Refused([property: Id(0)] PlanRefusal Refusal, [property: Id(1)] string Detail) : PlanOutcome;
}

/// <summary>Why a plan cannot be made or changed.</summary>
public enum PlanRefusal
{
    UnknownPlan = 1,
    UnknownOverlay = 2,
    NothingToMove = 3,
    WrongStage = 4,
    AnotherPlanRuns = 5,
}
