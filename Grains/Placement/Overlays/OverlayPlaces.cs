namespace ControlPlane.Placement.Overlays;

/// <summary>The places of one overlay: who lives there, what is reserved, how many it may take. The owner of these facts.</summary>
/// <remarks>
/// Mutable and owned by one activation. It changes only by <see cref="Apply"/>, live and at replay alike, so what is restored is what was
/// decided.
/// </remarks>
internal sealed class OverlayPlaces(string overlay)
{
    /// <summary>How many shards the nodes are stored in. Fixed: a node is looked for where it was written.</summary>
    public const int Shards = 32;

    /// <summary>How many nodes that left are remembered for those who follow; whoever has not heard of more lists all anew.</summary>
    private const int LeftMax = 10_000;

    private readonly Dictionary<string, PlacedNode>[] shards =
        [.. Enumerable.Range(0, Shards).Select(_ => new Dictionary<string, PlacedNode>(StringComparer.Ordinal))];

    private readonly PriorityQueue<string, DateTimeOffset> leases = new();
    private readonly Dictionary<string, long> versions = new(StringComparer.Ordinal);
    private readonly SortedSet<(long Version, string Identity)> byVersion = [];
    private readonly Queue<string> left = new();
    private long version;
    private long forgottenUpTo;

    public string Overlay => overlay;

    public OverlayState State { get; private set; }

    public string Reason { get; private set; } = "configured";

    /// <summary>The latest leader that was heard of: an earlier one is refused.</summary>
    public LeaderEpoch Leader { get; private set; }

    /// <summary>Nodes that arrived.</summary>
    public int Nodes { get; private set; }

    /// <summary>Places held, except those of nodes that live here.</summary>
    public int Reserved { get; private set; }

    /// <summary>Never more than this many of both.</summary>
    public int HardLimit { get; set; }

    public bool[] ChangedShards { get; } = new bool[Shards];

    public OverlayHeader Header => new(State, Reason, Nodes, Reserved);

    public static int ShardOf(string identity) => StableHash.Bucket(identity, Shards);

    public PlacedNode? Node(string identity) => shards[ShardOf(identity)].GetValueOrDefault(identity);

    public IReadOnlyCollection<PlacedNode> NodesOf(int shard) => shards[shard].Values;

    public IEnumerable<PlacedNode> AllNodes() => shards.SelectMany(shard => shard.Values);

    /// <summary>Why a place that the region offers is not to be had; null when it is.</summary>
    /// <remarks>The region may be behind, or be wrong: here the limit and the state hold whatever it believes.</remarks>
    public string? Refusal(string identity)
    {
        var known = Node(identity);
        if (known is { IsGone: true })
        {
            return $"{identity} was decommissioned from {overlay}";
        }

        var isThere = known?.Home is not null;
        if (!isThere && State switch
            {
                OverlayState.Active => false,

                // One that was on its way here when that was said is no newcomer.
                OverlayState.Cordoned or OverlayState.Isolated => known?.Held is null,
                OverlayState.Draining => known?.LiveHold is null,
                _ => true,
            })
        {
            return $"{overlay} is {State}: {Reason}";
        }

        return isThere || known?.LiveHold is not null || Nodes + Reserved < HardLimit
            ? null
            : $"{overlay} is full: {Nodes} nodes and {Reserved} reservations, its limit is {HardLimit}";
    }

    public void Apply(PlacementChange change)
    {
        switch (change)
        {
            case PlacementChange.NodeChanged changed:
                Replace(changed.Node.Identity, changed.Node);
                break;
            case PlacementChange.NodeForgotten forgotten:
                Replace(forgotten.Identity, null);
                break;
            case PlacementChange.OverlaySet set:
                (State, Reason) = (set.State, set.Reason);
                break;
            case PlacementChange.LeaderSet leader:
                Leader = leader.Leader;
                break;
        }
    }

    public void Restore(PlacesHead head) => (State, Reason, Leader) = (head.State, head.Reason, head.Leader);

    public void RestoreShard(PackedShard packed)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var node in packed.Unpack(overlay, text => texts.TryAdd(text, text) ? text : texts[text]))
        {
            Replace(node.Identity, node);
        }
    }

    /// <summary>What is too small to have shards.</summary>
    public PlacesHead Capture() => new() { State = State, Reason = Reason, Leader = Leader };

    /// <summary>The next reservation whose time is over; null when none is. Each one is given once.</summary>
    public PlacedNode? NextLapsed(DateTimeOffset now)
    {
        while (leases.TryPeek(out var identity, out var at) && at <= now)
        {
            leases.Dequeue();

            // Renewed, confirmed or released since: that lease is of the past.
            if (Node(identity) is { LiveHold: { } hold } node && hold.Until <= now)
            {
                return node;
            }
        }

        return null;
    }

    /// <summary>What changed after a version, oldest first.</summary>
    /// <param name="after">0 for all nodes.</param>
    /// <param name="most">How many at most.</param>
    /// <returns>Null when not all is remembered that left since then: all has to be listed.</returns>
    public IReadOnlyList<(long Version, string Identity, PlacedNode? Node)>? ChangedAfter(long after, int most)
    {
        if (after > 0 && after < forgottenUpTo)
        {
            return null;
        }

        return
        [
            .. byVersion.GetViewBetween((after + 1, ""), (long.MaxValue, "")).Take(most)
                .Select(change => (change.Version, change.Identity, Node(change.Identity))),
        ];
    }

    private void Replace(string identity, PlacedNode? node)
    {
        var number = ShardOf(identity);
        var shard = shards[number];
        ChangedShards[number] = true;
        if (shard.GetValueOrDefault(identity) is { } before)
        {
            Count(before, -1);
        }

        if (node is null)
        {
            shard.Remove(identity);
            left.Enqueue(identity);
        }
        else
        {
            shard[identity] = node;
            Count(node, +1);
            if (node.LiveHold is { } hold)
            {
                leases.Enqueue(identity, hold.Until);
            }
        }

        Mark(identity);
    }

    private void Count(PlacedNode node, int delta)
    {
        Nodes += node.Home is null ? 0 : delta;
        Reserved += node is { Home: null, LiveHold: not null } ? delta : 0;
    }

    private void Mark(string identity)
    {
        if (versions.TryGetValue(identity, out var before))
        {
            byVersion.Remove((before, identity));
        }

        versions[identity] = ++version;
        byVersion.Add((version, identity));
        while (left.Count > LeftMax)
        {
            var oldest = left.Dequeue();
            if (Node(oldest) is null && versions.Remove(oldest, out var at))
            {
                byVersion.Remove((at, oldest));
                forgottenUpTo = Math.Max(forgottenUpTo, at);
            }
        }
    }
}
