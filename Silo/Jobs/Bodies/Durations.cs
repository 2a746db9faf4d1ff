using System.Globalization;

namespace ControlPlane.Jobs;

/// <summary>Durations as people write them: <c>90s</c>, <c>10m</c>, <c>1h30m</c>, <c>2d</c>, or <c>00:10:00</c>. Pure.</summary>
internal static class Durations
{
    public const string Rule = "a duration such as 90s, 10m, 1h30m, 2d or 00:10:00";

    private const int CharsMax = 32;

    // The longest first: "ms" begins as "m" does.
    private static readonly (string Unit, TimeSpan Length)[] Units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)),
        ("d", TimeSpan.FromDays(1)),
        ("h", TimeSpan.FromHours(1)),
        ("m", TimeSpan.FromMinutes(1)),
        ("s", TimeSpan.FromSeconds(1)),
    ];

    public static bool TryRead(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text.Length is 0 or > CharsMax)
        {
            return false;
        }

        if (text.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration) && duration >= TimeSpan.Zero;
        }

        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            if (!TryTake(ref rest, out var part) || duration > TimeSpan.MaxValue - part)
            {
                return false;
            }

            duration += part;
        }

        return true;
    }

    public static string Write(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
        {
            return "0s";
        }

        var text = "";
        foreach (var (unit, length) in Units.OrderByDescending(unit => unit.Length))
        {
            var count = duration.Ticks / length.Ticks;
            duration -= new TimeSpan(length.Ticks * count);
            text += count > 0 ? string.Create(CultureInfo.InvariantCulture, $"{count}{unit}") : "";
        }

        return text;
    }

    private static bool TryTake(ref ReadOnlySpan<char> rest, out TimeSpan part)
    {
        part = TimeSpan.Zero;
        var digits = rest.IndexOfAnyExceptInRange('0', '9');
        if (digits < 1 || !long.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return false;
        }

        rest = rest[digits..];
        foreach (var (unit, length) in Units)
        {
            if (rest.StartsWith(unit, StringComparison.Ordinal))
            {
                rest = rest[unit.Length..];
                part = count <= TimeSpan.MaxValue.Ticks / length.Ticks ? new TimeSpan(length.Ticks * count) : TimeSpan.MinValue;
                return part >= TimeSpan.Zero;
            }
        }

        return false;
    }
}
