namespace ControlPlane;

/// <summary>Leaves alone what fails, a CA or a program, and tries it again one call at a time. Not thread-safe: its owner is.</summary>
/// <param name="breakAfter">Failures in a row after which it is left alone.</param>
/// <param name="breakFor">How long it is left alone at first; each probe that fails doubles it.</param>
/// <param name="breakForMax">The longest that it is left alone.</param>
internal sealed class CircuitBreaker(int breakAfter, TimeSpan breakFor, TimeSpan breakForMax)
{
    private int failures;
    private TimeSpan? lengthened;
    private DateTimeOffset? openUntil;
    private bool probing;

    private TimeSpan Pause => lengthened ?? breakFor;

    /// <summary>Whether it failed and has not served since.</summary>
    public bool IsBroken => openUntil is not null;

    /// <summary>When it may be asked again; null when it may be asked now.</summary>
    public DateTimeOffset? ClosedAgainAt(DateTimeOffset now) => openUntil switch
    {
        null => null,
        { } until when now < until => until,

        // Half open: one probe goes through; who else comes waits for what becomes of it.
        _ => probing ? now + Pause : null,
    };

    /// <summary>A call is about to be made.</summary>
    public void OnSent(DateTimeOffset now) => probing = openUntil is { } until && now >= until;

    /// <summary>The call was not made after all: the next one is the probe.</summary>
    public void OnUnused() => probing = false;

    /// <summary>It answered, whatever it said.</summary>
    public void OnAnswered()
    {
        failures = 0;
        lengthened = null;
        openUntil = null;
        probing = false;
    }

    /// <summary>It failed, or is configured wrongly.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isHarmful">Whether another failure of the kind must not be waited for.</param>
    public void OnFailed(DateTimeOffset now, bool isHarmful = false)
    {
        failures = isHarmful ? Math.Max(failures + 1, breakAfter) : failures + 1;
        if (probing)
        {
            lengthened = Pause * 2 < breakForMax ? Pause * 2 : breakForMax;
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
