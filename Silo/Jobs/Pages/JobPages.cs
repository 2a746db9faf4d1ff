using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Console;

namespace ControlPlane.Jobs;

/// <summary>The console's pages of jobs.</summary>
internal static class JobPages
{
    private const int ListMax = 200;
    private const int FailuresMax = 1000;

    /// <summary>Rules that demand a reason get one when the button is used.</summary>
    private const string SomeReason = "asked by the console";

    private static readonly TargetState[] Bad = [TargetState.Failed, TargetState.TimedOut, TargetState.Rejected, TargetState.Unknown];

    public static void MapJobPages(this IEndpointRouteBuilder app)
    {
        app.MapGet("/jobs", async (IGrainFactory grains) =>
                new ConsolePage(JobListPage.Render(
                    await grains.GetJobList().List([], ListMax), ListMax, await grains.GetJobList().ListSchedules())))
            .Requires(Permissions.JobsRead).ExcludeFromDescription();
        app.MapGet("/jobs/{id}", ShowAsync).Requires(Permissions.JobsRead).ExcludeFromDescription();
    }

    private static async Task<ConsolePage> ShowAsync(
        HttpContext context, IGrainFactory grains, PolicyAccess access, string id, CancellationToken cancellationToken)
    {
        if (!JobId.IsValid(id) || await grains.GetJob(id).Get() is not { } job)
        {
            return new ConsolePage(JobPage.Unknown(id), StatusCodes.Status404NotFound);
        }

        var failed = Bad.Sum(state => job.Counts[state]) == 0
            ? new JobResultPage([], null)
            : await grains.GetJob(id).ListResults(Bad, null, FailuresMax);
        var isOwn = job.Submitter == CallerContext.Actor;
        var rights = new JobRights(
            !isOwn && await MayAsync(access, Permissions.JobsApprove, id, cancellationToken),
            await MayAsync(access, Permissions.JobsControl, id, cancellationToken),
            Antiforgery.TokenOf(context));
        return new ConsolePage(JobPage.Render(job, FailureGroup.Of(failed.Results), failed.Unreachable, rights));
    }

    // Whether a button is shown is no decision: the call itself is judged and recorded.
    private static async Task<bool> MayAsync(PolicyAccess access, string permission, string job, CancellationToken cancellationToken)
    {
        var explained = await access.ExplainAsync(
            CallerContext.Current, new AccessRequest(permission) { Job = job, Reason = SomeReason }, cancellationToken);
        return explained.Decision.IsAllowed;
    }
}
