using ControlPlane.Access;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ControlPlane.Nodes;

/// <summary>The overlay at a glance.</summary>
internal static class SummaryEndpoints
{
    public static void MapSummary(this IEndpointRouteBuilder v1) =>
        v1.MapGet("/summary", Show).WithName("GetSummary").WithTags("summary").Requires(Permissions.NodesRead)
            .WithSummary("Counts by stage, the pace of enrolment, the overlays and the refused; at most a few seconds old.");

    private static async Task<Ok<FleetSummary>> Show(FleetSummarySource source) => TypedResults.Ok(await source.LatestAsync());
}
