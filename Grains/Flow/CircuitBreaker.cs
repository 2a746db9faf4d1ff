namespace ControlPlane.Flow;

/// <summary>
/// Leaves alone what fails, is silent or asks for it: a CA or a program. After failures it is tried again one call at a time. Not
/// thread-safe: its owner is.
/// </summary>
/// <param name="breakAfter">Failures in a row after which it is left alone.</param>
/// <param name="breakFor">How long it is left alone at first; each probe that fails doubles it.</param>
/// <param name="breakForMax">The longest that it is left alone.</param>
/// <param name="stalledAfter">Without any answer for this long, while calls are with it, it is left alone; null is never.</param>
internal sealed class CircuitBreaker(int breakAfter, TimeSpan breakFor, TimeSpan breakForMax, TimeSpan? stalledAfter = null)
{
    private int failures;
    private TimeSpan? lengthened;
    private DateTimeOffset? openUntil;
    private DateTimeOffset pausedUntil;
    private DateTimeOffset heardAt;
    private string fault = "";
    private bool probing;

    private TimeSpan Pause => lengthened ?? breakFor;

    /// <summary>How it failed last, when it is left alone and has not served since; null otherwise.</summary>
    public string? Fault => openUntil is null ? null : fault;

    /// <summary>Why it is left alone, and for how long; null when it may be asked now.</summary>
    /// <param name="name">What it is.</param>
    /// <param name="now">The time.</param>
    /// <param name="underWay">Calls that are with it.</param>
    public (string Reason, TimeSpan Wait)? Obstacle(string name, DateTimeOffset now, int underWay) =>
        now < pausedUntil ? ($"{name} asked to slow down", pausedUntil - now)
        : ClosedAgainAt(now) is { } closedAgainAt ? ($"{name} fails and is left alone; last: {fault}", closedAgainAt - now)
        : underWay > 0 && stalledAfter is { } silence && now - heardAt >= silence
            ? ($"{name} has not answered for {silence.TotalSeconds:0} seconds", silence)
        : null;

    /// <summary>When it may be asked again after failures; null when it may be asked now.</summary>
    public DateTimeOffset? ClosedAgainAt(DateTimeOffset now) => openUntil switch
    {
        null => null,
        { } until when now < until => until,

        // Half open: one probe goes through; who else comes waits for what becomes of it.
        _ => probing ? now + Pause : null,
    };

    /// <summary>A call is about to be made, while so many are under way.</summary>
    public void OnSent(DateTimeOffset now, int underWay = 0)
    {
        probing = openUntil is { } until && now >= until;
        heardAt = underWay == 0 ? now : heardAt;
    }

    /// <summary>A call has ended, or was not made after all: then the next one is the probe.</summary>
    /// <param name="now">The time.</param>
    /// <param name="result">How it ended.</param>
    /// <param name="retryAfter">How long it wants to be left alone, when it said so.</param>
    /// <param name="detail">How it failed.</param>
    public void OnEnded(DateTimeOffset now, CallResult result, TimeSpan retryAfter = default, string detail = "")
    {
        if (result is CallResult.Failed or CallResult.Harmful)
        {
            OnFailed(now, result, detail);
        }
        else if (result != CallResult.Unused)
        {
            (failures, lengthened, openUntil) = (0, null, null);
        }

        probing = false;
        heardAt = result == CallResult.Unused ? heardAt : now;
        if (retryAfter > TimeSpan.Zero && now + retryAfter > pausedUntil)
        {
            pausedUntil = now + retryAfter;
        }
    }

    private void OnFailed(DateTimeOffset now, CallResult result, string detail)
    {
        fault = detail;
        failures = result == CallResult.Harmful ? Math.Max(failures + 1, breakAfter) : failures + 1;
        if (probing)
        {
            lengthened = Pause * 2 < breakForMax ? Pause * 2 : breakForMax;
        }

        // Those that were under way when it opened fail too, and must not push the end on and on.
        if (probing || (openUntil is null && failures >= breakAfter))
        {
            openUntil = now + Pause;
        }
    }
}

/// <summary>How what is behind a breaker fared with a call.</summary>
internal enum CallResult
{
    /// <summary>It answered, whatever it said.</summary>
    Answered = 0,

    /// <summary>It asked to slow down.</summary>
    Throttled = 1,

    /// <summary>It was away, silent or wrong.</summary>
    Failed = 2,

    /// <summary>It was not asked after all, or answered what tells nothing of how it fares.</summary>
    Unused = 3,

    /// <summary>It failed so that each further failure does harm: it may have signed what nobody gets, for example.</summary>
    Harmful = 4,
}
