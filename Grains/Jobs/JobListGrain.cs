using ControlPlane.Access;
using Orleans.Concurrency;

namespace ControlPlane.Jobs;

[GrainType("job-list"), StatelessWorker]
internal sealed class JobListGrain(JobIndex index, JobDryRuns dryRuns, JobScheduleIndex schedules) : Grain, IJobListGrain
{
    public Task<IReadOnlyList<JobSummary>> List(IReadOnlyList<JobState> states, int limit) => index.ListAsync(
        job => states.Count == 0 || states.Contains(job.State), Math.Clamp(limit, 1, IJobListGrain.PageMax), CancellationToken.None);

    public Task<JobDryRun> DryRun(JobSpec spec) => dryRuns.RunAsync(spec, CallerContext.Current);

    public Task<IReadOnlyList<JobScheduleSummary>> ListSchedules() => schedules.ListAsync(CancellationToken.None);
}
