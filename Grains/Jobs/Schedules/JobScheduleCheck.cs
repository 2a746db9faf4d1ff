namespace ControlPlane.Jobs;

/// <summary>What is wrong with a schedule apart from its job, all at once. Pure, but for the time zones that the machine knows.</summary>
internal static class JobScheduleCheck
{
    public static IReadOnlyList<string> Faults(string name, JobSchedule schedule) => [.. FaultsOf(name, schedule)];

    private static IEnumerable<string> FaultsOf(string name, JobSchedule schedule)
    {
        if (!JobScheduleName.IsValid(name))
        {
            yield return $"the name must be {JobScheduleName.Rule}";
        }

        if (CronTimes.FaultOrNull(schedule.Cron) is { } unfit)
        {
            yield return $"cron '{schedule.Cron}' {unfit}: give minute, hour, day of the month, month and day of the week, e.g. 0 2 * * 1-5";
        }

        if (!TimeZoneInfo.TryFindSystemTimeZoneById(schedule.TimeZone, out _))
        {
            yield return $"timeZone '{schedule.TimeZone}' is not a time zone that this machine knows: give a name such as Europe/Dublin";
        }

        if (!Enum.IsDefined(schedule.Missed) || !Enum.IsDefined(schedule.Overlap))
        {
            yield return "missed must be skip or once, and overlap skip or allow";
        }

        if (schedule.Job.StartAt is not null)
        {
            yield return "job.startAt must be left out: a run begins when cron says";
        }

        if (schedule.Job.After.Count > 0)
        {
            yield return "job.after must be left out: those jobs are there once, and the schedule's come again and again";
        }
    }
}
