using System.Collections.Concurrent;
using System.Threading.Channels;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Jobs;

namespace ControlPlane.Cluster.Tests.Jobs;

/// <summary>Jobs without a cluster: what the API asks of them, answered from memory.</summary>
internal sealed class FakeJobs
{
    private readonly ConcurrentDictionary<string, FakeJob> jobs = new(StringComparer.Ordinal);

    /// <summary>The last call that was to change a job, with what it was told.</summary>
    public string? LastCall { get; private set; }

    /// <summary>What the next call that changes a job answers, when it is refused.</summary>
    public JobOutcome.Refused? Refusal { get; set; }

    /// <summary>What a job would do.</summary>
    public JobDryRun DryRun { get; set; } = new() { Faults = ["there is no such action"] };

    public FakeJobSchedules Schedules { get; } = new();

    public FakeJob this[string id] => jobs[id];

    public IReadOnlyList<string> Ids => [.. jobs.Keys.Order(StringComparer.Ordinal)];

    public FakeJob Add(string id, JobSpec? spec = null)
    {
        spec ??= new JobSpec(new JobAction("puppet", "runonce"), new JobTargets { Identities = ["web1"] });
        var begun = DateTimeOffset.UnixEpoch;
        return jobs[id] = new FakeJob(
            new JobSnapshot(id, spec, Caller.Local.Principal, JobState.Running, "", 1, begun, begun, null, 0, [], [])
            {
                Verbs = [JobVerb.Pause, JobVerb.Retry, JobVerb.Abort],
            });
    }

    public object List() => Stand.In<IJobListGrain>(new()
    {
        [nameof(IJobListGrain.DryRun)] = _ => Task.FromResult(DryRun),
        [nameof(IJobListGrain.ListSchedules)] = _ => Task.FromResult(Schedules.List()),
        [nameof(IJobListGrain.List)] = arguments =>
        {
            var states = (IReadOnlyList<JobState>)arguments[0]!;
            return Task.FromResult<IReadOnlyList<JobSummary>>(
            [
                .. jobs.Values.Select(job => job.Snapshot).Where(job => states.Count == 0 || states.Contains(job.State))
                    .OrderBy(job => job.Id, StringComparer.Ordinal).Take((int)arguments[1]!)
                    .Select(job => new JobSummary(
                        job.Id, job.Spec.Action.Agent, job.Spec.Action.Name, job.Submitter, job.State, job.Reason, job.Stage,
                        job.Spec.Stages.Count, job.Counts, job.SubmittedAt, job.EndedAt)),
            ]);
        },
    });

    public object Grain(string id) => Stand.In<IJobGrain>(new()
    {
        [nameof(IJobGrain.Submit)] = arguments => Task.FromResult(Submit(id, (JobSpec)arguments[0]!)),
        [nameof(IJobGrain.Get)] = _ => Task.FromResult(jobs.GetValueOrDefault(id)?.Snapshot),
        [nameof(IJobGrain.Follow)] = arguments => FollowAsync(id, (int)arguments[0]!, (TimeSpan)arguments[1]!),
        [nameof(IJobGrain.ListTargets)] = arguments => Task.FromResult(
            Targets(id, (IReadOnlyList<TargetState>)arguments[0]!, (string?)arguments[1], (int)arguments[2]!)),
        [nameof(IJobGrain.ListResults)] = arguments => Task.FromResult(
            Results(id, (IReadOnlyList<TargetState>)arguments[0]!, (string?)arguments[1], (int)arguments[2]!)),
        [nameof(IJobGrain.Approve)] = arguments => Change(id, $"approve {arguments[0]}", JobState.Running),
        [nameof(IJobGrain.Pause)] = arguments => Change(id, $"pause {arguments[0]}", JobState.Paused),
        [nameof(IJobGrain.Resume)] = arguments => Change(id, $"resume {arguments[0]}", JobState.Running),
        [nameof(IJobGrain.Advance)] = arguments => Change(id, $"advance {arguments[0]} {arguments[1]}", JobState.Running),
        [nameof(IJobGrain.Retry)] = arguments => Change(
            id, $"retry {string.Join(',', (IReadOnlyList<TargetState>)arguments[0]!)} {arguments[1]}", JobState.Running),
        [nameof(IJobGrain.Abort)] = arguments => Change(id, $"abort {arguments[0]}", JobState.Aborted),
    });

    private JobOutcome Submit(string id, JobSpec spec)
    {
        if (Refusal is { } refusal)
        {
            return refusal;
        }

        if (jobs.TryGetValue(id, out var there) && there.Snapshot.Spec.Action != spec.Action)
        {
            return new JobOutcome.Refused(JobRefusal.AnotherJob, ["another job was submitted under this key"]);
        }

        return new JobOutcome.Accepted((there ?? Add(id, spec)).Snapshot);
    }

    private Task<JobOutcome> Change(string id, string call, JobState state)
    {
        LastCall = call;
        if (Refusal is { } refusal)
        {
            return Task.FromResult<JobOutcome>(refusal);
        }

        if (!jobs.TryGetValue(id, out var job))
        {
            return Task.FromResult<JobOutcome>(new JobOutcome.Refused(JobRefusal.UnknownJob, [$"there is no job '{id}'"]));
        }

        job.Become(job.Snapshot with { State = state });
        return Task.FromResult<JobOutcome>(new JobOutcome.Accepted(job.Snapshot));
    }

    private async Task<JobSnapshot?> FollowAsync(string id, int after, TimeSpan patience) =>
        jobs.TryGetValue(id, out var job) ? await job.FollowAsync(after, patience) : null;

    private JobTargetPage Targets(string id, IReadOnlyList<TargetState> states, string? after, int limit)
    {
        var (page, next) = Page(jobs[id].Targets.Where(one => states.Count == 0 || states.Contains(one.State)), after, limit);
        return new JobTargetPage(page, next) { Unreachable = jobs[id].Unreachable };
    }

    private JobResultPage Results(string id, IReadOnlyList<TargetState> states, string? after, int limit)
    {
        var (page, next) = Page(jobs[id].Results.Where(one => states.Count == 0 || states.Contains(one.State)), after, limit);
        return new JobResultPage(page, next) { Unreachable = jobs[id].Unreachable };
    }

    private static (IReadOnlyList<T> Page, string? Next) Page<T>(IEnumerable<T> all, string? after, int limit)
    {
        var from = after is null ? 0 : int.Parse(after, System.Globalization.CultureInfo.InvariantCulture);
        var rest = all.Skip(from).ToList();
        return ([.. rest.Take(limit)], rest.Count > limit ? $"{from + limit}" : null);
    }
}

/// <summary>One job, as a test says that it stands.</summary>
internal sealed class FakeJob(JobSnapshot snapshot)
{
    // An entry for each time that somebody began to wait for a newer version.
    private readonly Channel<int> waits = Channel.CreateUnbounded<int>();
    private volatile TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public JobSnapshot Snapshot { get; private set; } = snapshot;

    public List<JobTarget> Targets { get; } = [];

    /// <summary>Overlays that do not answer.</summary>
    public IReadOnlyList<string> Unreachable { get; set; } = [];

    public List<JobResult> Results { get; } = [];

    /// <summary>Ends when somebody waits for a newer version: what a test changes then comes into the wait.</summary>
    public async Task AwaitedAsync() => await waits.Reader.ReadAsync(TestContext.Current.CancellationToken);

    /// <summary>Changes it: the version grows.</summary>
    public void Become(JobSnapshot next)
    {
        Snapshot = next with { Version = Snapshot.Version + 1 };
        Interlocked.Exchange(ref changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    public void Say(string identity, TargetState state, int? code = 0, string message = "OK", string? data = "{}")
    {
        Targets.Add(new JobTarget(identity, FakeGrains.Overlay, 0, state, 1));
        Results.Add(new JobResult(identity, FakeGrains.Overlay, 1, state, code, message, data, DateTimeOffset.UnixEpoch, false));
        var counts = new int[Enum.GetValues<TargetState>().Length];
        foreach (var target in Targets)
        {
            counts[(int)target.State]++;
        }

        Become(Snapshot with { StageCounts = [new TargetCounts { ByState = counts }] });
    }

    public async Task<JobSnapshot?> FollowAsync(int after, TimeSpan patience)
    {
        var change = changed.Task;
        if (Snapshot.Version <= after)
        {
            waits.Writer.TryWrite(after);
            await Task.WhenAny(change, Task.Delay(patience, TestContext.Current.CancellationToken));
        }

        return Snapshot;
    }
}
