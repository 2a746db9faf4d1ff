using ControlPlane.Access;
using ControlPlane.Hosting;
using ControlPlane.Overlays;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Api;

/// <summary>Which overlay holds the region's placement.</summary>
internal static class OverlayHomeEndpoints
{
    public static void MapPlacementHome(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/placement/home", Show).WithName("GetPlacementHome").WithTags("placement")
            .WithSummary("Which overlay holds the region's placement, as this one knows, and in which epoch.");
        v1.MapPost("/placement/home:promote", Promote).WithName("PromotePlacementHome").WithTags("placement")
            .WithSummary("Makes this silo's overlay the home of the region's placement. The others are isolated until they reported. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    private static async Task<Ok<RegionHome>> Show(IGrainFactory grains, Locality locality) =>
        TypedResults.Ok(await grains.GetGrain<IPlacementHomeGrain>(locality.Region).Home());

    private static async Task<Results<Ok<RegionHome>, ProblemHttpResult>> Promote(
        IGrainFactory grains, Locality locality, HttpContext context, [FromBody] PromotionBody body) =>
        GivenReason.TryRead(body.Reason, out var reason)
            ? TypedResults.Ok(await grains.GetGrain<IPlacementHomeGrain>(locality.Region).Promote(Actor.Of(context), reason))
            : Problems.Malformed(GivenReason.Rule);
}

/// <param name="Reason">Why. 1 to 200 characters.</param>
internal sealed record PromotionBody(string Reason);
