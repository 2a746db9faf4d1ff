namespace ControlPlane.Adapters.Choria;

/// <summary>Go's times as they are on the wire: nanoseconds that a <see cref="DateTimeOffset"/> would round to 100.</summary>
public static class UnixTime
{
    internal const long NanosecondsPerSecond = 1_000_000_000;
    private const long NanosecondsPerTick = 100;

    /// <summary>The last whole second that nanoseconds can hold: in the year 2262.</summary>
    internal const long SecondsMax = long.MaxValue / NanosecondsPerSecond;

    /// <summary>Nanoseconds since 1970. Good until the year 2262.</summary>
    public static long Nanoseconds(DateTimeOffset instant) => checked((instant - DateTimeOffset.UnixEpoch).Ticks * NanosecondsPerTick);

    /// <summary>The instant, rounded down to 100 nanoseconds.</summary>
    public static DateTimeOffset FromNanoseconds(long nanoseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(Math.DivRem(nanoseconds, NanosecondsPerTick).Quotient);
}
