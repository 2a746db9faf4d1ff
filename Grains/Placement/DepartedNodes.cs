namespace ControlPlane.Placement;

/// <summary>Who left the fleet, and when that was decided: so that no overlay that still knows such a node can bring it back.</summary>
/// <remarks>Stored with the shard of the node.</remarks>
internal sealed class DepartedNodes
{
    /// <summary>How many are remembered whenever the shards have been written; the earliest go first.</summary>
    public const int Max = 200_000;

    /// <summary>How long they are remembered: an overlay that is cut off for longer may bring nodes back.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(90);

    private readonly Dictionary<string, DecisionStamp>[] shards = new Dictionary<string, DecisionStamp>[RegionState.Shards];

    public DepartedNodes()
    {
        for (var i = 0; i < shards.Length; i++)
        {
            shards[i] = new Dictionary<string, DecisionStamp>(StringComparer.Ordinal);
        }
    }

    public IReadOnlyDictionary<string, DecisionStamp> Of(int shard) => shards[shard];

    /// <summary>When the node left; default when that is not known.</summary>
    public DecisionStamp At(string identity) => shards[RegionState.ShardOf(identity)].GetValueOrDefault(identity);

    public void Set(string identity, DecisionStamp decided)
    {
        if (decided.IsAfter(At(identity)))
        {
            shards[RegionState.ShardOf(identity)][identity] = decided;
        }
    }

    /// <summary>Forgets who left too long ago, and the earliest of too many.</summary>
    /// <param name="now">The time.</param>
    /// <param name="changed">Hears each shard that changed.</param>
    public void Tidy(DateTimeOffset now, Action<int> changed)
    {
        var ticks = shards.SelectMany(shard => shard.Values, (_, decided) => decided.Ticks).ToArray();
        var from = (now - Kept).UtcTicks;
        if (ticks.Length > Max)
        {
            Array.Sort(ticks);
            from = Math.Max(from, ticks[^Max]);
        }

        for (var number = 0; number < shards.Length; number++)
        {
            foreach (var identity in shards[number].Where(node => node.Value.Ticks < from).Select(node => node.Key).ToArray())
            {
                shards[number].Remove(identity);
                changed(number);
            }
        }
    }
}
