namespace ControlPlane.Flow;

/// <summary>So many a minute, as instants an interval apart of which each is given out once. Pure.</summary>
/// <remarks>
/// A token bucket, written as the instant until which its tokens are taken. So a grain that gives out instants ahead of time for all silos,
/// and stores how far (<c>EnrolmentControlState</c>), and a limiter in memory (<see cref="RateLimiter"/>) count alike.
/// </remarks>
/// <param name="PerMinute">How many; 1 or more.</param>
/// <param name="Burst">What was not used within it may be used at once. Shorter than an interval is nothing.</param>
public readonly record struct RateLimit(int PerMinute, TimeSpan Burst = default)
{
    /// <summary>Between two of them.</summary>
    public TimeSpan Interval => TimeSpan.FromMinutes(1) / PerMinute;

    /// <summary>The next instant to be given out: one that has passed may be used now.</summary>
    /// <param name="takenUntil">Those before it were given out.</param>
    /// <param name="now">The time.</param>
    public DateTimeOffset Next(DateTimeOffset takenUntil, DateTimeOffset now)
    {
        var earliest = Burst > Interval ? now - (Burst - Interval) : now;
        return takenUntil > earliest ? takenUntil : earliest;
    }
}

/// <summary>So many a minute, in the memory of one owner. Not thread-safe: its owner is.</summary>
/// <param name="limit">How many.</param>
/// <param name="takenUntil">When the first one may go; without it, a whole burst may go at once.</param>
public sealed class RateLimiter(RateLimit limit, DateTimeOffset takenUntil = default)
{
    private DateTimeOffset takenUntil = takenUntil;

    /// <summary>How many; it may be changed at any time.</summary>
    public RateLimit Limit { get; set; } = limit;

    /// <summary>How long until the next one may go; zero or less when it may go now.</summary>
    public TimeSpan WaitFor(DateTimeOffset now)
    {
        // A clock that was set back gives nothing and takes nothing.
        takenUntil = takenUntil > now + Limit.Interval ? now + Limit.Interval : takenUntil;
        return Limit.Next(takenUntil, now) - now;
    }

    /// <summary>The next one goes.</summary>
    public void Take(DateTimeOffset now) => takenUntil = Limit.Next(takenUntil, now) + Limit.Interval;
}
