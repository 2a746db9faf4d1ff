namespace ControlPlane.Jobs;

/// <summary>Decides what becomes of the times of a schedule that have come. Pure: the same arguments give the same record.</summary>
internal static class ScheduleDecision
{
    /// <summary>A run that has not begun so long after its time has been missed: a silo that ends is replaced sooner.</summary>
    public static readonly TimeSpan LateMax = TimeSpan.FromMinutes(5);

    /// <summary>The latest time that has come and is not decided; null when there is none.</summary>
    public static DateTimeOffset? DueOrNull(JobScheduleRecord record, DateTimeOffset now) =>
        record is { Schedule: { } schedule, PausedBecause: null } ? CronTimes.LatestIn(schedule, record.DecidedUpTo, now) : null;

    /// <param name="record">How the schedule stands.</param>
    /// <param name="name">The schedule.</param>
    /// <param name="now">The time.</param>
    /// <param name="unfinished">The job of the run before, when it is unfinished.</param>
    /// <returns>The record after it; the same one when there is nothing to decide.</returns>
    public static JobScheduleRecord Next(JobScheduleRecord record, string name, DateTimeOffset now, string? unfinished)
    {
        if (DueOrNull(record, now) is not { } at)
        {
            return record is { PausedBecause: null, Schedule: { } kept, LastRun: { State: ScheduledRunState.Due } waiting }
                && IsMissed(kept, waiting.At, now)
                ? Missed(record, waiting)
                : record;
        }

        var schedule = record.Schedule!;
        var run = new ScheduledRun(at, JobScheduleRecord.JobOf(name, at), ScheduledRunState.Due);
        if (IsMissed(schedule, at, now))
        {
            run = run with { State = ScheduledRunState.Missed, Reason = "no silo was there to begin it" };
        }
        else if (unfinished is not null && schedule.Overlap == OverlappingRuns.Skip)
        {
            run = run with { State = ScheduledRunState.Skipped, Reason = $"the run before, {unfinished}, was unfinished" };
        }

        // Of several times the latest alone: those before it are missed, whatever the policy.
        return record with { DecidedUpTo = at, LastRun = run };
    }

    private static JobScheduleRecord Missed(JobScheduleRecord record, ScheduledRun waiting) => record with
    {
        LastRun = waiting with { State = ScheduledRunState.Missed, Reason = $"not submitted in time. {waiting.Reason}" },
    };

    private static bool IsMissed(JobSchedule schedule, DateTimeOffset at, DateTimeOffset now) =>
        schedule.Missed == MissedRuns.Skip && now - at > LateMax;
}
