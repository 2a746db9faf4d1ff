namespace ControlPlane.Flow;

/// <summary>How long whoever failed waits before the next try. Pure.</summary>
internal static class Backoff
{
    /// <summary>The wait after a first failure, doubled so many times, and never more than the most.</summary>
    public static TimeSpan Doubled(TimeSpan first, int times, TimeSpan most) =>
        TimeSpan.FromTicks((long)Math.Min(first.Ticks * Math.Pow(2, times), most.Ticks));

    /// <summary>From half of a wait to all of it: those that failed at once do not come back at once.</summary>
    /// <param name="wait">The wait.</param>
    /// <param name="random">From 0 to 1, drawn by the caller.</param>
    public static TimeSpan Spread(TimeSpan wait, double random) => wait * ((1 + random) / 2);
}
