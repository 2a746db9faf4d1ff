using ControlPlane.Grains.Tests.Sites;
using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>A job as a plan sees it: submitted, told, and as far as a test says.</summary>
internal sealed class SubmittedJob
{
    private readonly IGrainFactory grains;

    public SubmittedJob() => grains = TestedGrains.Make((method, key, arguments) => Answer(method, key, arguments));

    /// <summary>Null before it was submitted.</summary>
    public JobSnapshot? Now { get; set; }

    /// <summary>What the job was told, and how often it was submitted.</summary>
    public List<string> Told { get; } = [];

    public List<JobResult> Results { get; } = [];

    /// <summary>What the next submission is answered, when it is not taken.</summary>
    public JobOutcome.Refused? Refusal { get; set; }

    /// <summary>The silo ends after the job has taken what it was told, and before anybody hears of it.</summary>
    public bool EndsAfter { get; set; }

    public IJobGrain Of(string id) => grains.GetGrain<IJobGrain>(id);

    /// <summary>Its targets stand so.</summary>
    public void Count(params (TargetState State, int Targets)[] states)
    {
        var counts = new int[TargetCounts.None.ByState.Count];
        foreach (var (state, targets) in states)
        {
            counts[(int)state] = targets;
        }

        Now = Now! with { StageCounts = [new TargetCounts { ByState = counts }] };
    }

    public void Be(JobState state, string reason = "") => Now = Now! with
    {
        State = state,
        Reason = reason,
        EndedAt = state is JobState.Completed or JobState.Aborted or JobState.Failed ? DateTimeOffset.UnixEpoch : null,
    };

    private object Answer(string method, string key, object?[] arguments)
    {
        switch (method)
        {
            case nameof(IJobGrain.Get):
                return Task.FromResult(Now);
            case nameof(IJobGrain.ListResults):
                return Task.FromResult(new JobResultPage([.. Results], null));
            case nameof(IJobGrain.Submit) when Refusal is not null:
                return Task.FromResult<JobOutcome>(Refusal);
            case nameof(IJobGrain.Submit):
                Now ??= new JobSnapshot(
                    key, (JobSpec)arguments[0]!, "system", JobState.Preparing, "", 1, DateTimeOffset.UnixEpoch, null, null, 0, [], []);
                return Take("submit");
            default:
                return Take($"{method.ToLowerInvariant()}: {arguments[0]}", method switch
                {
                    nameof(IJobGrain.Pause) => JobState.Paused,
                    nameof(IJobGrain.Resume) => JobState.Running,
                    _ => JobState.Aborted,
                });
        }
    }

    private Task<JobOutcome> Take(string what, JobState? state = null)
    {
        Told.Add(what);
        if (state is { } next)
        {
            Be(next, what);
        }

        return EndsAfter
            ? Task.FromException<JobOutcome>(new TimeoutException("the silo ends"))
            : Task.FromResult<JobOutcome>(new JobOutcome.Accepted(Now!));
    }
}
