using Cronos;

namespace ControlPlane.Jobs;

/// <summary>The times of a schedule. Pure, but for the time zones that the machine knows.</summary>
internal static class CronTimes
{
    /// <summary>
    /// How far back the latest time is looked for first: a schedule of every minute is not walked through from a year ago.
    /// </summary>
    private static readonly TimeSpan[] Spans = [TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromDays(32), TimeSpan.MaxValue];

    /// <summary>What is wrong with the expression; null when it is good.</summary>
    public static string? FaultOrNull(string cron)
    {
        // Five, and no macro: @every_second would begin more than one run in a minute, which is what its job's id names.
        if (cron.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Length != 5)
        {
            return "has not five fields";
        }

        try
        {
            return CronExpression.Parse(cron).GetNextOccurrence(DateTime.UnixEpoch) is null ? "never comes" : null;
        }
        catch (Exception unclear) when (unclear is CronFormatException or MissingSeedException)
        {
            return $"cannot be read ({unclear.Message.TrimEnd('.')})";
        }
    }

    /// <summary>The next time after another; null when none comes.</summary>
    public static DateTimeOffset? NextAfter(JobSchedule schedule, DateTimeOffset after) =>
        NextAfter(CronExpression.Parse(schedule.Cron), ZoneOf(schedule), after);

    /// <summary>The latest time after one instant and up to another; null when there is none.</summary>
    public static DateTimeOffset? LatestIn(JobSchedule schedule, DateTimeOffset after, DateTimeOffset until)
    {
        var (cron, zone) = (CronExpression.Parse(schedule.Cron), ZoneOf(schedule));
        DateTimeOffset? latest = null;
        foreach (var span in Spans.TakeWhile(_ => latest is null))
        {
            var from = until - after < span ? after : until - span;
            for (var at = NextAfter(cron, zone, from); at <= until; at = NextAfter(cron, zone, at.Value))
            {
                latest = at;
            }
        }

        return latest;
    }

    // .NET does not know when clocks skip or repeat an hour where the winter time is the exception by law, and Cronos gives a time again
    // there that it gave before. The hour after that may be left out.
    private static DateTimeOffset? NextAfter(CronExpression cron, TimeZoneInfo zone, DateTimeOffset after)
    {
        var (from, next) = (after, cron.GetNextOccurrence(after, zone));
        while (next <= after)
        {
            from = from.AddMinutes(1);
            next = cron.GetNextOccurrence(from, zone);
        }

        return next?.ToUniversalTime();
    }

    // Dublin is such a zone; London's clocks have been the same since 1972, and are known.
    private static TimeZoneInfo ZoneOf(JobSchedule schedule) =>
        TimeZoneInfo.FindSystemTimeZoneById(schedule.TimeZone is "Europe/Dublin" or "Eire" ? "Europe/London" : schedule.TimeZone);
}
