namespace ControlPlane.Flow;

/// <summary>
/// Calls to a service outside: so many at once, and none for a while after several failed in a row. None waits. Thread-safe.
/// </summary>
/// <param name="leftAloneFor">How long it is left alone.</param>
/// <param name="time">The clock.</param>
internal sealed class OutsideCalls(TimeSpan leftAloneFor, TimeProvider time)
{
    /// <summary>Calls under way at once.</summary>
    public const int AskedMax = 256;

    /// <summary>Failures in a row after which nothing is asked for a while.</summary>
    public const int FailuresMax = 5;

    private readonly Lock gate = new();
    private readonly CircuitBreaker breaker = new(FailuresMax, leftAloneFor, leftAloneFor);
    private int asked;

    /// <summary>A call begins, which <see cref="End"/> ends.</summary>
    /// <returns>Why it may not be made; null when it begins.</returns>
    public string? TryBegin()
    {
        lock (gate)
        {
            if (asked >= AskedMax)
            {
                return "it has too many questions to answer";
            }

            var now = time.GetUtcNow();
            if (breaker.ClosedAgainAt(now) is not null)
            {
                return "it failed several times and is left alone";
            }

            asked++;
            breaker.OnSent(now);
            return null;
        }
    }

    public void End(CallResult result)
    {
        lock (gate)
        {
            asked--;
            breaker.OnEnded(time.GetUtcNow(), result);
        }
    }
}
