using ControlPlane.Access;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Jobs;

/// <summary>What a job would do: who would be hit, in which stage.</summary>
internal static class DryRunEndpoint
{
    public const string Path = "/jobs:dry-run";

    public static void MapDryRun(this IEndpointRouteBuilder v1) =>
        v1.MapPost(Path, DryRunAsync).WithName("DryRunJob").WithTags("jobs").Requires(Permissions.JobsRun)
            .WithSummary("Says what a job would do if it were submitted now, and does nothing.")
            .WithMetadata(new RequestSizeLimitAttribute(JobEndpoints.BodyBytesMax))
            .ProducesProblem(StatusCodes.Status400BadRequest);

    private static async Task<Results<Ok<DryRunView>, ProblemHttpResult>> DryRunAsync(IGrainFactory grains, [FromBody] JobBody body)
    {
        var (spec, faults) = JobSpecReader.Read(body);
        if (spec is null)
        {
            return Problems.Malformed(faults);
        }

        var found = await grains.GetJobList().DryRun(spec);
        return found.Faults.Count > 0 ? Problems.Malformed(found.Faults) : TypedResults.Ok(DryRunView.Of(found, spec));
    }
}

/// <summary>What a job would do if it were submitted now.</summary>
/// <param name="State">How it would stand: running, waiting, awaitingApproval, completed when no node is meant, or failed.</param>
/// <param name="Reason">Why it would not run; empty when it would.</param>
/// <param name="Stages">Its stages, one after the other.</param>
/// <param name="Overlays">What each overlay would take on.</param>
/// <param name="Nodes">The first 2000 targets of each overlay, in the order in which they would be worked on.</param>
internal sealed record DryRunView(
    JobState State,
    string Reason,
    IReadOnlyList<DryRunStage> Stages,
    IReadOnlyList<JobDryRunOverlay> Overlays,
    IReadOnlyList<JobDryRunNode> Nodes)
{
    public static DryRunView Of(JobDryRun found, JobSpec spec) => new(
        found.State,
        found.Reason,
        [.. spec.Stages.Zip(found.Stages, (stage, targets) => new DryRunStage(stage.Name, targets))],
        found.Overlays,
        found.Nodes);
}

/// <param name="Name">The stage.</param>
/// <param name="Targets">How many nodes it would have.</param>
internal sealed record DryRunStage(string Name, int Targets);
