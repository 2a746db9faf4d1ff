using ControlPlane.Hosting;
using ControlPlane.Overlays;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ControlPlane.Api;

/// <summary>The region's overlays.</summary>
internal static class OverlayEndpoints
{
    public static void MapOverlays(this IEndpointRouteBuilder v1) =>
        v1.MapGet("/overlays", List).WithName("ListOverlays").WithTags("overlays")
            .WithSummary("The region's overlays with their states, counts and limits.");

    private static async Task<Ok<IReadOnlyList<OverlaySnapshot>>> List(IGrainFactory grains, Locality locality) =>
        TypedResults.Ok(await grains.GetGrain<IOverlayPlacementGrain>(locality.Region).ListOverlays());
}
