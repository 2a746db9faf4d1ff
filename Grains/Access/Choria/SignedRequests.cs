namespace ControlPlane.Access;

/// <summary>Requests that were signed and that nodes still take: none of them is signed again. Not thread-safe.</summary>
internal sealed class SignedRequests
{
    /// <summary>Requests that one part of the register remembers: more than all its callers make in the minute that they live.</summary>
    public const int Max = 100_000;

    /// <summary>
    /// For so long a request may be repeated: batches of protocol v1 that follow each other within a second are the same to the letter,
    /// since its times are in seconds.
    /// </summary>
    public static readonly TimeSpan RepeatableFor = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, DateTimeOffset> ends = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, DateTimeOffset> byEnd = new();

    /// <summary>Remembers a request; says why it is not to be signed, or null.</summary>
    public string? Add(TokenUse use, DateTimeOffset now)
    {
        while (byEnd.TryPeek(out var ended, out var end) && end <= now)
        {
            byEnd.Dequeue();
            ends.Remove(ended);
        }

        if (ends.ContainsKey(use.Request))
        {
            return now - use.RequestedAt <= RepeatableFor ? null : "the request was signed before: make a new one";
        }

        if (ends.Count >= Max)
        {
            return "too many requests were signed that are still good: try again later";
        }

        ends.Add(use.Request, use.RequestExpiresAt);
        byEnd.Enqueue(use.Request, use.RequestExpiresAt);
        return null;
    }
}
