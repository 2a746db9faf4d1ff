namespace ControlPlane.Jobs;

/// <summary>Whether a job's window is open. Pure.</summary>
internal static class WindowCheck
{
    /// <summary>The label of an overlay that names its time zone.</summary>
    public const string ZoneLabel = "timezone";

    public static bool IsOpen(JobWindow? window, string? overlayZone, DateTimeOffset now)
    {
        if (window is null)
        {
            return true;
        }

        // A zone that this machine does not know, in an overlay's label, is no reason to work at any time: UTC is the same everywhere.
        var zone = (window.Zone ?? overlayZone) is { } name && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var found)
            ? found
            : TimeZoneInfo.Utc;
        var local = TimeZoneInfo.ConvertTime(now, zone);
        var time = TimeOnly.FromTimeSpan(local.TimeOfDay);
        var isOverMidnight = window.To < window.From;
        var isWithin = isOverMidnight ? time >= window.From || time < window.To : time >= window.From && time < window.To;

        // After midnight it is still the window of the day on which it opened.
        var day = isOverMidnight && time < window.To ? local.AddDays(-1).DayOfWeek : local.DayOfWeek;
        return isWithin && (window.Days.Count == 0 || window.Days.Contains(day));
    }
}
