using System.Diagnostics;
using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Hosting;
using ControlPlane.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Placement;

/// <summary>Plans: how nodes move between overlays.</summary>
internal static class PlanEndpoints
{
    public static void MapPlacementPlans(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/placement/plans", List).WithName("ListPlans").WithTags("placement").Requires(Permissions.PlacementRead)
            .WithSummary("The region's plans and how far each is, newest first.");
        v1.MapGet("/placement/plans/{id}", Show).WithName("GetPlan").WithTags("placement").Requires(Permissions.PlacementRead)
            .WithSummary("One plan with its moves, bounds and peak loads.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost("/placement/plans", Create).WithName("CreatePlan").WithTags("placement").Requires(Permissions.PlacementPlansCreate)
            .WithSummary("Makes a plan from the region as it is now. Moves nothing.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
        v1.MapCommand("Approve", Permissions.PlacementPlansApprove, (plans, id, reason) => plans.ApprovePlan(id, reason));
        v1.MapCommand("Resume", Permissions.PlacementPlansApprove, (plans, id, reason) => plans.ResumePlan(id, reason));
        v1.MapCommand("Pause", Permissions.PlacementPlansStop, (plans, id, reason) => plans.PausePlan(id, reason));
        v1.MapCommand("Abort", Permissions.PlacementPlansStop, (plans, id, reason) => plans.AbortPlan(id, reason));
    }

    private static void MapCommand(
        this IEndpointRouteBuilder v1,
        string command,
        string permission,
        Func<IPlacementPlanGrain, string, string, Task<PlanOutcome>> tell) =>
        v1.MapPost(
                $"/placement/plans/{{id}}:{command.ToLowerInvariant()}",
                async (IGrainFactory grains, Locality locality, string id, [FromBody] ReasonBody body) =>
                    GivenReason.TryRead(body.Reason, out var reason)
                        ? Answer(await tell(Plans(grains, locality), id, reason))
                        : Problems.Malformed(GivenReason.Rule))
            .WithName($"{command}Plan").WithTags("placement").Requires(permission, AccessTarget.Plan)
            .WithSummary($"{command}s a plan. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);

    private static async Task<Ok<IReadOnlyList<PlanProgress>>> List(IGrainFactory grains, Locality locality) =>
        TypedResults.Ok(await Plans(grains, locality).ListPlans());

    private static async Task<Results<Ok<PlacementPlan>, ProblemHttpResult>> Show(IGrainFactory grains, Locality locality, string id) =>
        await Plans(grains, locality).ShowPlan(id) is { } plan ? TypedResults.Ok(plan)
            : Problems.Unknown("plan", $"the region has no plan '{id}'");

    private static async Task<Results<Ok<PlanProgress>, ProblemHttpResult>> Create(
        IGrainFactory grains, Locality locality, [FromBody] PlanBody body) =>
        GivenReason.TryReadIfGiven(body.Reason, out var reason)
            ? Answer(await Plans(grains, locality).CreatePlan(new PlanRequest(body.Kind, body.Overlay, reason)))
            : Problems.Malformed(GivenReason.RuleIfGiven);

    private static Results<Ok<PlanProgress>, ProblemHttpResult> Answer(PlanOutcome outcome) => outcome switch
    {
        PlanOutcome.Accepted accepted => TypedResults.Ok(accepted.Progress),
        PlanOutcome.Refused { Refusal: PlanRefusal.UnknownPlan } refused => Problems.Unknown("plan", refused.Detail),
        PlanOutcome.Refused { Refusal: PlanRefusal.UnknownOverlay } refused => Problems.Unknown("overlay", refused.Detail),
        PlanOutcome.Refused refused => Problems.Refused(refused.Refusal, "The plan cannot be made or changed", refused.Detail),
        _ => throw new UnreachableException(),
    };

    private static IPlacementPlanGrain Plans(IGrainFactory grains, Locality locality) =>
        grains.GetGrain<IPlacementPlanGrain>(locality.Region);
}

/// <param name="Kind">What it is for.</param>
/// <param name="Overlay">The overlay to drain or retire.</param>
/// <param name="Reason">Why, kept with the plan: at most 200 characters. None by default; the access policy may demand one.</param>
internal sealed record PlanBody(PlanKind Kind, string Overlay = "", string Reason = "") : IGivesReason;
