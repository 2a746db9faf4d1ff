using ControlPlane.Access;
using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Jobs that take a specification once, as the real ones do.</summary>
internal sealed class ScheduledJobs
{
    private readonly HashSet<string> ended = new(StringComparer.Ordinal);

    /// <summary>Each call, with who made it.</summary>
    public List<string> Submitted { get; } = [];

    /// <summary>The jobs that came of them.</summary>
    public Dictionary<string, JobSpec> Taken { get; } = new(StringComparer.Ordinal);

    public JobOutcome.Refused? Refusal { get; set; }

    public Action? AfterSubmit { get; set; }

    public void End(string id) => ended.Add(id);

    public IJobGrain Get(string id) => new Job(this, id);

    private JobSnapshot? Find(string id) => !Taken.TryGetValue(id, out var spec) ? null : new JobSnapshot(
        id, spec, "ann", ended.Contains(id) ? JobState.Completed : JobState.Running, "", 1, default, null, null, 0, [], []);

    private sealed class Job(ScheduledJobs jobs, string id) : IJobGrain
    {
        public Task<JobOutcome> Submit(JobSpec spec)
        {
            if (jobs.Refusal is { } refusal)
            {
                return Task.FromResult<JobOutcome>(refusal);
            }

            jobs.Submitted.Add($"{id} {CallerContext.Actor}");
            Assert.True(jobs.Taken.TryAdd(id, spec) || jobs.Taken[id] == spec, "another job was submitted under the same id");
            jobs.AfterSubmit?.Invoke();
            return Task.FromResult<JobOutcome>(new JobOutcome.Accepted(jobs.Find(id)!));
        }

        public Task<JobSnapshot?> Get() => Task.FromResult(jobs.Find(id));

        public Task<JobSnapshot?> Follow(int afterVersion, TimeSpan patience) => throw new NotSupportedException();

        public Task<JobTargetPage> ListTargets(IReadOnlyList<TargetState> states, string? after, int limit) =>
            throw new NotSupportedException();

        public Task<JobResultPage> ListResults(IReadOnlyList<TargetState> states, string? after, int limit) =>
            throw new NotSupportedException();

        public Task<JobOutcome> Approve(string reason) => throw new NotSupportedException();

        public Task<JobOutcome> Pause(string reason) => throw new NotSupportedException();

        public Task<JobOutcome> Resume(string reason) => throw new NotSupportedException();

        public Task<JobOutcome> Advance(int stage, string reason) => throw new NotSupportedException();

        public Task<JobOutcome> Retry(IReadOnlyList<TargetState> states, string reason) => throw new NotSupportedException();

        public Task<JobOutcome> Abort(string reason) => throw new NotSupportedException();
    }
}
