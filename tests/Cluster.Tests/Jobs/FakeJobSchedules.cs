using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Jobs;

namespace ControlPlane.Cluster.Tests.Jobs;

/// <summary>Schedules without a cluster: what the API asks of them, answered from memory.</summary>
internal sealed class FakeJobSchedules
{
    private readonly SortedDictionary<string, JobScheduleSnapshot> schedules = new(StringComparer.Ordinal);

    /// <summary>What the next call that changes a schedule answers, when it is refused.</summary>
    public JobScheduleOutcome.Refused? Refusal { get; set; }

    /// <summary>The last call that was to change a schedule, with what it was told.</summary>
    public string? LastCall { get; private set; }

    public JobScheduleSnapshot? this[string name]
    {
        get => schedules.GetValueOrDefault(name);
        set => schedules[name] = value!;
    }

    public void Add(string name, string cron = "0 2 * * *") => schedules[name] = new JobScheduleSnapshot(
        name,
        new JobSchedule(new JobSpec(new JobAction("puppet", "runonce"), new JobTargets { Identities = ["web1"] }), cron),
        Caller.Local.Principal,
        DateTimeOffset.UnixEpoch,
        null,
        DateTimeOffset.UnixEpoch.AddDays(1),
        new ScheduledRun(DateTimeOffset.UnixEpoch, $"{name}-197001010000", ScheduledRunState.Begun),
        $"{name}-197001010000",
        1);

    public IReadOnlyList<JobScheduleSummary> List() =>
    [
        .. schedules.Values.Select(one => new JobScheduleSummary(
            one.Name, one.Schedule.Job.Action.Agent, one.Schedule.Job.Action.Name, one.Schedule.Cron, one.Schedule.TimeZone, one.Owner,
            one.PausedBecause, one.NextRun, one.LastRun, one.LastJob)),
    ];

    public object Grain(string name) => Stand.In<IJobScheduleGrain>(new()
    {
        [nameof(IJobScheduleGrain.Apply)] = arguments =>
        {
            if (Refusal is null)
            {
                Add(name);
                schedules[name] = schedules[name] with { Schedule = (JobSchedule)arguments[0]!, LastRun = null, LastJob = null };
            }

            return Change(name, "apply", schedule => schedule);
        },
        [nameof(IJobScheduleGrain.Get)] = _ => Task.FromResult(this[name]),
        [nameof(IJobScheduleGrain.Pause)] = arguments =>
            Change(name, $"pause {arguments[0]}", schedule => schedule with { PausedBecause = $"{arguments[0]}", NextRun = null }),
        [nameof(IJobScheduleGrain.Resume)] = arguments =>
            Change(name, $"resume {arguments[0]}", schedule => schedule with { PausedBecause = null }),
        [nameof(IJobScheduleGrain.Delete)] = arguments => Change(name, $"delete {arguments[0]}", schedule => schedule, isGone: true),
    });

    private Task<JobScheduleOutcome> Change(
        string name, string call, Func<JobScheduleSnapshot, JobScheduleSnapshot> change, bool isGone = false)
    {
        LastCall = call;
        if (Refusal is { } refusal)
        {
            return Task.FromResult<JobScheduleOutcome>(refusal);
        }

        if (this[name] is not { } schedule)
        {
            return Task.FromResult<JobScheduleOutcome>(
                new JobScheduleOutcome.Refused(JobRefusal.UnknownSchedule, [$"there is no schedule {name}"]));
        }

        schedules[name] = change(schedule);
        var accepted = new JobScheduleOutcome.Accepted(schedules[name]);
        if (isGone)
        {
            schedules.Remove(name);
        }

        return Task.FromResult<JobScheduleOutcome>(accepted);
    }
}
