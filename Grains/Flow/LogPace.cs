namespace ControlPlane.Flow;

/// <summary>
/// Keeps a log readable in a herd: so many lines about single nodes in an interval, and one line about the rest. Thread-safe.
/// </summary>
internal sealed class LogPace(TimeProvider time)
{
    /// <summary>Lines about single nodes in one interval, of each kind.</summary>
    public const int LinesMax = 20;

    private const int NamesMax = 3;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Lock gate = new();
    private readonly SortedDictionary<string, Kind> kinds = new(StringComparer.Ordinal);
    private long begun = time.GetTimestamp();

    /// <summary>Whether this one may have a line of its own; if not, it is in the next summary.</summary>
    /// <param name="kind">What happened, as the summary says it: one of a few words.</param>
    /// <param name="node">To whom.</param>
    public bool Admits(string kind, string node)
    {
        lock (gate)
        {
            if (!kinds.TryGetValue(kind, out var of))
            {
                kinds[kind] = of = new Kind();
            }

            if (of.Lines < LinesMax)
            {
                of.Lines++;
                return true;
            }

            of.Unlogged++;
            if (of.Names.Count < NamesMax)
            {
                of.Names.Add(node);
            }

            return false;
        }
    }

    /// <summary>What had no line of its own, when an interval is over and there was something.</summary>
    public string? TakeSummary()
    {
        lock (gate)
        {
            if (time.GetElapsedTime(begun) < Interval)
            {
                return null;
            }

            begun = time.GetTimestamp();
            var unlogged = kinds.Where(kind => kind.Value.Unlogged > 0)
                .Select(kind => $"{kind.Value.Unlogged} more {kind.Key} ({string.Join(", ", kind.Value.Names)}{(kind.Value.Unlogged > NamesMax ? ", …" : "")})")
                .ToList();
            kinds.Clear();
            return unlogged.Count > 0 ? string.Join("; ", unlogged) : null;
        }
    }

    private sealed class Kind
    {
        public int Lines { get; set; }

        public int Unlogged { get; set; }

        public List<string> Names { get; } = [];
    }
}
