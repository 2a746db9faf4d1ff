using System.Globalization;
using ControlPlane.Access;

namespace ControlPlane.Jobs;

/// <summary>What is stored of a schedule.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobScheduleRecord")]
internal sealed record JobScheduleRecord
{
    /// <summary>Null where there is none, or none any more.</summary>
    [Id(0)]
    public JobSchedule? Schedule { get; init; }

    [Id(1)]
    public JobSubmitter Owner { get; init; } = JobSubmitter.Of(Caller.System);

    [Id(2)]
    public DateTimeOffset AppliedAt { get; init; }

    /// <summary>Grows with every change.</summary>
    [Id(3)]
    public int Version { get; init; }

    [Id(4)]
    public string? PausedBecause { get; init; }

    /// <summary>What becomes of times up to this one is decided.</summary>
    [Id(5)]
    public DateTimeOffset DecidedUpTo { get; init; }

    [Id(6)]
    public ScheduledRun? LastRun { get; init; }

    /// <summary>The last job that was submitted.</summary>
    [Id(7)]
    public string? LastJob { get; init; }

    /// <summary>The id of the job of a time: the same whoever begins it, and however often.</summary>
    public static string JobOf(string name, DateTimeOffset at) =>
        string.Create(CultureInfo.InvariantCulture, $"{name}-{at.UtcDateTime:yyyyMMddHHmm}");

    /// <summary>Whose it is, when a caller must not replace it: who may run some job must not end others' schedules by it.</summary>
    public string? OtherOwnerOrNull(Caller caller) =>
        Schedule is not null && Owner.Principal != caller.Principal ? Owner.Principal : null;

    public JobScheduleRecord Applied(JobSchedule schedule, JobSubmitter owner, DateTimeOffset now) => this with
    {
        Schedule = schedule,
        Owner = owner,
        AppliedAt = now,

        // Whoever applies the same file every minute must not lose the time that came a second ago.
        DecidedUpTo = (Schedule?.Cron, Schedule?.TimeZone) == (schedule.Cron, schedule.TimeZone) ? DecidedUpTo : now,
    };

    public JobScheduleRecord Paused(string because) => PausedBecause is not null ? this : this with
    {
        PausedBecause = because,
        LastRun = LastRun is { State: ScheduledRunState.Due } due
            ? due with { State = ScheduledRunState.Skipped, Reason = because }
            : LastRun,
    };

    public JobScheduleRecord Resumed(DateTimeOffset now) =>
        PausedBecause is null ? this : this with { PausedBecause = null, DecidedUpTo = now };

    public JobScheduleSnapshot ToSnapshot(string name, DateTimeOffset now) => new(
        name, Schedule!, Owner.Principal, AppliedAt, PausedBecause, NextRun(now), LastRun, LastJob, Version);

    public JobScheduleSummary ToSummary(string name, DateTimeOffset now) => new(
        name,
        Schedule!.Job.Action.Agent,
        Schedule.Job.Action.Name,
        Schedule.Cron,
        Schedule.TimeZone,
        Owner.Principal,
        PausedBecause,
        NextRun(now),
        LastRun,
        LastJob);

    private DateTimeOffset? NextRun(DateTimeOffset now) =>
        PausedBecause is not null ? null : CronTimes.NextAfter(Schedule!, DecidedUpTo > now ? DecidedUpTo : now);
}
