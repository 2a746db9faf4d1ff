namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>Why there is no connection, as far as it was logged: each reason at a bounded pace, and not many of them.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class ToldReasons(TimeProvider time)
{
    /// <summary>Between two lines of one reason.</summary>
    public static readonly TimeSpan Pace = TimeSpan.FromMinutes(10);

    /// <summary>Different reasons within that time: as many as a network has brokers, more or less.</summary>
    private const int ReasonsMax = 8;

    private readonly Dictionary<string, long> told = new(StringComparer.Ordinal);

    /// <summary>Whether a reason is to be logged now.</summary>
    public bool Admits(string reason)
    {
        foreach (var (old, _) in told.Where(one => time.GetElapsedTime(one.Value) >= Pace).ToList())
        {
            told.Remove(old);
        }

        return told.Count < ReasonsMax && told.TryAdd(reason, time.GetTimestamp());
    }

    /// <summary>There is a connection: what keeps the next one away is news.</summary>
    public void Clear() => told.Clear();
}
