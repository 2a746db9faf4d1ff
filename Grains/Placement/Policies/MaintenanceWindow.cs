using System.Globalization;

namespace ControlPlane.Placement.Policies;

/// <summary>A time of the week, e.g. <c>Sat 01:00-05:00 Europe/Dublin</c>.</summary>
/// <param name="Day">The day it begins; null for every day.</param>
/// <param name="From">Start, local time.</param>
/// <param name="To">End, local time; before <paramref name="From"/> it is on the next day.</param>
/// <param name="Zone">Whose local time.</param>
internal sealed record MaintenanceWindow(DayOfWeek? Day, TimeOnly From, TimeOnly To, TimeZoneInfo Zone)
{
    public bool Contains(DateTimeOffset instant)
    {
        var local = TimeZoneInfo.ConvertTime(instant, Zone);
        var time = TimeOnly.FromDateTime(local.DateTime);
        if (From <= To)
        {
            return time >= From && time < To && IsDay(local.DayOfWeek);
        }

        return time >= From ? IsDay(local.DayOfWeek) : time < To && IsDay(local.AddDays(-1).DayOfWeek);
    }

    /// <summary>Reads <c>[day] HH:mm-HH:mm [zone]</c>; null when it is something else.</summary>
    public static MaintenanceWindow? ParseOrNull(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToList();
        DayOfWeek? day = null;
        if (words.Count > 0 && Array.FindIndex(Days, name =>
            string.Equals(name, words[0], StringComparison.OrdinalIgnoreCase)) is >= 0 and var found)
        {
            day = (DayOfWeek)found;
            words.RemoveAt(0);
        }

        if (words.Count is 0 or > 2 || words[0].Split('-') is not [var from, var to]
            || !TimeOnly.TryParseExact(from, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var start)
            || !TimeOnly.TryParseExact(to, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var end))
        {
            return null;
        }

        var zone = TimeZoneInfo.Utc;
        return words.Count == 1 || TimeZoneInfo.TryFindSystemTimeZoneById(words[1], out zone)
            ? new MaintenanceWindow(day, start, end, zone) : null;
    }

    private static readonly string[] Days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

    private bool IsDay(DayOfWeek day) => Day is null || Day == day;
}
