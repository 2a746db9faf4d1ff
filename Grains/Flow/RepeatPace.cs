namespace ControlPlane.Flow;

/// <summary>Keeps lines of a log that say the same again at a bounded pace. Thread-safe.</summary>
/// <param name="pace">Between two lines of one matter.</param>
/// <param name="mattersMax">Different matters within that time; of more, nothing is logged.</param>
/// <param name="time">The clock.</param>
public sealed class RepeatPace(TimeSpan pace, int mattersMax, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, long> told = new(StringComparer.Ordinal);

    /// <summary>Whether a matter is to be logged now.</summary>
    public bool Admits(string matter)
    {
        lock (gate)
        {
            foreach (var (old, _) in told.Where(one => time.GetElapsedTime(one.Value) >= pace).ToList())
            {
                told.Remove(old);
            }

            return told.Count < mattersMax && told.TryAdd(matter, time.GetTimestamp());
        }
    }

    /// <summary>All is well: what comes next is news.</summary>
    public void Clear()
    {
        lock (gate)
        {
            told.Clear();
        }
    }
}
