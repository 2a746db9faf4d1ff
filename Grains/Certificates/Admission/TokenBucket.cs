namespace ControlPlane.Certificates;

/// <summary>So many a minute, and up to a second's worth at once. Not thread-safe: its gate is.</summary>
internal sealed class TokenBucket(int perMinute, DateTimeOffset now)
{
    private readonly double perSecond = perMinute / 60.0;
    private double tokens = Math.Max(1, perMinute / 60.0);
    private DateTimeOffset filledAt = now;

    /// <summary>How long until a token is there; zero when one is.</summary>
    public TimeSpan WaitFor(DateTimeOffset now)
    {
        Fill(now);
        return tokens >= 1 ? TimeSpan.Zero : TimeSpan.FromSeconds((1 - tokens) / perSecond);
    }

    /// <summary>Takes the token that was found there.</summary>
    public void Take() => tokens -= 1;

    private void Fill(DateTimeOffset now)
    {
        // A clock that steps back gives nothing and takes nothing.
        if (now > filledAt)
        {
            tokens = Math.Min(Math.Max(1, perSecond), tokens + ((now - filledAt).TotalSeconds * perSecond));
        }

        filledAt = now;
    }
}
