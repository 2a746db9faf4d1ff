using System.Buffers.Binary;

namespace ControlPlane.Placement;

/// <summary>
/// Keeps what an overlay remembers of the nodes that live in it equal to what the leader knows, whichever overlay's silos enrolled them:
/// when the leader is lost together with the silos that enrolled them, nobody else can tell a new one. Pure.
/// </summary>
/// <remarks>
/// The overlay sends a digest of each shard with its greeting; the leader answers the nodes of shards that differ. Where each overlay's
/// silos enrol its own nodes, they never do.
/// </remarks>
internal static class NodeDigests
{
    private const int DigestBytes = sizeof(ulong);

    public static byte[] DigestsOf(OverlayEntry overlay)
    {
        var digests = new byte[RegionState.Shards * DigestBytes];
        for (var shard = 0; shard < RegionState.Shards; shard++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(digests.AsSpan(shard * DigestBytes), overlay.Digests[shard]);
        }

        return digests;
    }

    /// <summary>The nodes of an overlay in the first shards that differ from what it sent; null when none does.</summary>
    public static LocalNodesPage? PageOf(RegionState ledger, OverlayEntry overlay, byte[] digests)
    {
        if (digests.Length != RegionState.Shards * DigestBytes)
        {
            return null;
        }

        var shards = new List<int>();
        var nodes = new List<LocalNode>();
        for (var shard = 0; shard < RegionState.Shards && nodes.Count < LinkRequest.ResidentsMax; shard++)
        {
            if (BinaryPrimitives.ReadUInt64LittleEndian(digests.AsSpan(shard * DigestBytes)) != overlay.Digests[shard])
            {
                shards.Add(shard);
                nodes.AddRange(ledger.NodesOf(shard).Where(node => node.Home == overlay.Name).Select(NodeFacts.LivesOf));
            }
        }

        return shards.Count == 0 ? null : new LocalNodesPage(shards, nodes);
    }

    /// <summary>What this overlay must change to remember what the leader knows of those shards.</summary>
    public static IReadOnlyList<PlacementChange> ChangesFor(RegionState ledger, string local, LocalNodesPage page)
    {
        var told = page.Nodes.ToDictionary(node => node.Identity, StringComparer.Ordinal);
        var shards = page.Shards.Where(shard => shard is >= 0 and < RegionState.Shards);
        var left = shards.SelectMany(ledger.NodesOf).Where(node => node.Home == local && !told.ContainsKey(node.Identity));
        var changed = page.Nodes.Where(fact => ledger.Node(fact.Identity) is not { } known
            || known.Home != local || known.Decided != fact.Decided);
        return
        [
            .. left.Select(node => node.LiveHold is null
                ? (PlacementChange)new PlacementChange.NodeForgotten(node.Identity)
                : new PlacementChange.NodeChanged(node with { Home = null, HomeAttempt = 0, Decided = default, Keeper = null })),
            .. changed.Select(fact => NodeFacts.Live(ledger.Node(fact.Identity), fact with { Overlay = local })),
        ];
    }
}
