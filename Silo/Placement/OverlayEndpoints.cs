using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Hosting;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Placement;

/// <summary>The region's overlays.</summary>
internal static class OverlayEndpoints
{
    public static void MapOverlays(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/overlays", List).WithName("ListOverlays").WithTags("overlays").Requires(Permissions.PlacementRead)
            .WithSummary("The region's overlays with their states, counts and limits, and whether nodes may enrol.");
        v1.MapPost("/overlays/{overlay}:set-state", SetState)
            .WithName("SetOverlayState").WithTags("overlays").Requires(Permissions.PlacementOverlaysSetState)
            .WithSummary("Puts an overlay in another state. Moves nothing: nodes move by plans. Retired is for good. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<Ok<IReadOnlyList<OverlayStatus>>> List(IGrainFactory grains, Locality locality) =>
        TypedResults.Ok(await OverlayStatus.ListAsync(grains, locality.Region));

    private static async Task<Results<NoContent, ProblemHttpResult>> SetState(
        IGrainFactory grains, Locality locality, string overlay, [FromBody] OverlayStateBody body)
    {
        if (!GivenReason.TryRead(body.Reason, out var reason))
        {
            return Problems.Malformed(GivenReason.Rule);
        }

        var isKnown = await grains.GetGrain<IRegionPlacementGrain>(locality.Region)
            .SetState(overlay, body.State, $"{reason} ({CallerContext.Actor})");
        return isKnown ? TypedResults.NoContent() : Problems.Unknown("overlay", $"the region {locality.Region} has no overlay '{overlay}'");
    }
}

/// <param name="State">The state to put it in.</param>
/// <param name="Reason">Why. 1 to 200 characters.</param>
internal sealed record OverlayStateBody(OverlayState State, string Reason) : IGivesReason;
