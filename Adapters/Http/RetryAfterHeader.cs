namespace ControlPlane.Adapters.Http;

/// <summary>How long a CA that is busy is left alone.</summary>
public static class RetryAfterHeader
{
    /// <summary>Where an answer does not say, or names a time that is over.</summary>
    private static readonly TimeSpan Unsaid = TimeSpan.FromSeconds(5);

    /// <summary>How long the answer asks us to wait, by our clock; null when it does not say.</summary>
    public static TimeSpan? Read(HttpResponseMessage response, DateTimeOffset now) =>
        response.Headers.RetryAfter is { } wait ? wait.Delta ?? wait.Date - now : null;

    /// <summary>How long to wait after an answer that asked so.</summary>
    public static TimeSpan Wait(TimeSpan? asked) => asked is { } wait && wait > TimeSpan.Zero ? wait : Unsaid;
}
