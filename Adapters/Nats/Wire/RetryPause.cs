namespace ControlPlane.Adapters.Nats;

/// <summary>How long a reader or a copier that failed waits. Pure.</summary>
internal static class RetryPause
{
    /// <summary>The wait after a first failure, doubled so many times, and never more than the most.</summary>
    public static TimeSpan Doubled(TimeSpan first, int times, TimeSpan most) =>
        TimeSpan.FromTicks((long)Math.Min(first.Ticks * Math.Pow(2, times), most.Ticks));
}
