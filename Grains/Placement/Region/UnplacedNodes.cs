namespace ControlPlane.Placement;

/// <summary>Who asked for a place and has none: since when, and why.</summary>
/// <remarks>Not stored: those who wait ask again, and say since when they do.</remarks>
internal sealed class UnplacedNodes
{
    /// <summary>How many are remembered; a region whose overlays are all full is told by fewer.</summary>
    public const int Max = 20_000;

    // A node that is not heard of for so many of its own retries has left, or found its place elsewhere.
    private const int RetriesKept = 10;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, Entry> nodes = new(StringComparer.Ordinal);
    private DateTimeOffset lookedAt;

    public int Count => nodes.Count;

    /// <summary>How many have waited longer than the policy's <c>alertAfter</c>, as of the last look.</summary>
    public int Overdue { get; private set; }

    /// <summary>Takes note that a node asked, and has waited for so long.</summary>
    public void Note(string identity, DateTimeOffset? since, string reason, DateTimeOffset now)
    {
        if (nodes.TryGetValue(identity, out var known))
        {
            nodes[identity] = known with { Reason = reason, AskedAt = now };
        }
        else if (nodes.Count < Max)
        {
            nodes[identity] = new Entry(since ?? now, now, reason);
        }
    }

    public void Forget(string identity) => nodes.Remove(identity);

    /// <summary>Looks, now and then, who has waited too long; what an operator should hear, null when there is nothing new.</summary>
    public string? Look(Policies.UnplaceableRule rule, DateTimeOffset now)
    {
        if (now - lookedAt < LookInterval || nodes.Count + Overdue == 0)
        {
            return null;
        }

        lookedAt = now;
        var gone = now - (RetriesKept * rule.RetryAfter);
        foreach (var (identity, entry) in nodes.Where(node => node.Value.AskedAt < gone).ToArray())
        {
            nodes.Remove(identity);
        }

        var before = Overdue;
        var overdue = nodes.Where(node => now - node.Value.Since >= rule.AlertAfter).ToArray();
        Overdue = overdue.Length;
        if (overdue.Length == before || overdue.Length == 0)
        {
            return null;
        }

        var (oldest, first) = overdue.MinBy(node => node.Value.Since);
        return $"{overdue.Length} nodes have had no place for {rule.AlertAfter.TotalMinutes:0.#} minutes or longer, first {oldest}: {first.Reason}";
    }

    private sealed record Entry(DateTimeOffset Since, DateTimeOffset AskedAt, string Reason);
}
