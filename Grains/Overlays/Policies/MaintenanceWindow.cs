namespace ControlPlane.Overlays.Policies;

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

    private bool IsDay(DayOfWeek day) => Day is null || Day == day;
}
