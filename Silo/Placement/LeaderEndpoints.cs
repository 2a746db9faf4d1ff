using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Hosting;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Placement;

/// <summary>Which overlay holds the region's placement.</summary>
internal static class LeaderEndpoints
{
    public static void MapPlacementLeader(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/placement/leader", Show).WithName("GetPlacementLeader").WithTags("placement").Requires(Permissions.PlacementRead)
            .WithSummary("Which overlay holds the region's placement, as this one knows, and in which epoch.");
        v1.MapPost("/placement/leader:promote", Promote)
            .WithName("PromotePlacementLeader").WithTags("placement").Requires(Permissions.PlacementLeaderPromote)
            .WithSummary("Makes this silo's overlay the leader of the region's placement. The others are isolated until they reported. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    private static async Task<Ok<RegionLeader>> Show(IGrainFactory grains, Locality locality) =>
        TypedResults.Ok(await grains.GetGrain<IRegionLeaderGrain>(locality.Region).Get());

    private static async Task<Results<Ok<RegionLeader>, ProblemHttpResult>> Promote(
        IGrainFactory grains, Locality locality, [FromBody] ReasonBody body) =>
        GivenReason.TryRead(body.Reason, out var reason)
            ? TypedResults.Ok(await grains.GetGrain<IRegionLeaderGrain>(locality.Region).Promote(reason))
            : Problems.Malformed(GivenReason.Rule);
}
