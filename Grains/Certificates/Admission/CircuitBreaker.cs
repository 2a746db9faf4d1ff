namespace ControlPlane.Certificates;

/// <summary>Leaves an issuer alone that fails, and asks it again one order at a time. Not thread-safe: its gate is.</summary>
internal sealed class CircuitBreaker(int breakAfter, TimeSpan breakFor)
{
    private static readonly TimeSpan BreakForMax = TimeSpan.FromMinutes(1);

    private int failures;
    private TimeSpan? lengthened;
    private DateTimeOffset? openUntil;
    private bool probing;

    private TimeSpan Pause => lengthened ?? breakFor;

    /// <summary>Whether it failed and has not served since.</summary>
    public bool IsBroken => openUntil is not null;

    /// <summary>When the issuer may be asked again; null when it may be asked now.</summary>
    public DateTimeOffset? ClosedAgainAt(DateTimeOffset now) => openUntil switch
    {
        null => null,
        { } until when now < until => until,

        // Half open: one probe goes through; who else comes waits for what becomes of it.
        _ => probing ? now + Pause : null,
    };

    /// <summary>An order is about to be sent.</summary>
    public void OnSent(DateTimeOffset now) => probing = openUntil is { } until && now >= until;

    /// <summary>The order was not sent after all: the next one is the probe.</summary>
    public void OnUnused() => probing = false;

    /// <summary>The CA answered, whatever it said of the order.</summary>
    public void OnAnswered()
    {
        failures = 0;
        lengthened = null;
        openUntil = null;
        probing = false;
    }

    /// <summary>The CA failed, or is configured wrongly.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isHarmful">Whether another failure of the kind must not be waited for.</param>
    public void OnFailed(DateTimeOffset now, bool isHarmful = false)
    {
        failures = isHarmful ? Math.Max(failures + 1, breakAfter) : failures + 1;
        if (probing)
        {
            lengthened = Pause * 2 < BreakForMax ? Pause * 2 : BreakForMax;
        }
        else if (failures < breakAfter)
        {
            return;
        }

        // Those that were under way when it opened fail too, and must not push the end on and on.
        if (probing || openUntil is null)
        {
            openUntil = now + Pause;
        }

        probing = false;
    }
}
