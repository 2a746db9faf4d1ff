namespace ControlPlane;

/// <summary>Makes one line out of what happened to many nodes: how many of each kind, and a few by name.</summary>
/// <remarks>Thread-safe. Says nothing by itself: whoever adds gets the line when an interval is over, so a quiet fleet writes none.</remarks>
internal sealed class LogSummary<TKind>(TimeSpan interval, TimeProvider time)
    where TKind : struct, Enum
{
    private const int NamesMax = 3;

    private readonly Lock gate = new();
    private readonly SortedDictionary<TKind, (int Count, List<string> Names)> kinds = [];
    private long since;

    /// <summary>Adds one, and returns the line when it is time for one.</summary>
    public string? Add(TKind kind, string name)
    {
        lock (gate)
        {
            if (kinds.Count == 0)
            {
                since = time.GetTimestamp();
            }

            var (count, names) = kinds.GetValueOrDefault(kind, (0, []));
            if (names.Count < NamesMax)
            {
                names.Add(name);
            }

            kinds[kind] = (count + 1, names);
            return TakeDue_NeedsGate();
        }
    }

    /// <summary>The line of an interval that is over; null when there is none.</summary>
    public string? TakeDue()
    {
        lock (gate)
        {
            return TakeDue_NeedsGate();
        }
    }

    private string? TakeDue_NeedsGate()
    {
        if (kinds.Count == 0 || time.GetElapsedTime(since) < interval)
        {
            return null;
        }

        var line = string.Join("; ", kinds.Select(kind => $"{kind.Value.Count} {kind.Key} ({Names(kind.Value.Names, kind.Value.Count)})"));
        kinds.Clear();
        return line;
    }

    private static string Names(List<string> names, int count) => string.Join(", ", names) + (count > names.Count ? ", …" : "");
}
