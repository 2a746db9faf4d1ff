using System.Buffers.Binary;

namespace ControlPlane.Overlays;

/// <summary>
/// Keeps what an overlay remembers of the nodes that live in it equal to what the home knows, whichever overlay's silos enrolled them: when
/// the home is lost together with the silos that enrolled them, nobody else can tell a new one. Pure.
/// </summary>
/// <remarks>
/// The overlay sends a digest of each shard with its greeting; the home answers the nodes of shards that differ. Where each overlay's silos
/// enrol its own nodes, they never do.
/// </remarks>
internal static class ResidentMirror
{
    private const int DigestBytes = sizeof(ulong);

    public static byte[] DigestsOf(OverlayEntry overlay)
    {
        var digests = new byte[RegionLedger.Shards * DigestBytes];
        for (var shard = 0; shard < RegionLedger.Shards; shard++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(digests.AsSpan(shard * DigestBytes), overlay.Digests[shard]);
        }

        return digests;
    }

    /// <summary>The nodes of an overlay in the first shards that differ from what it sent; null when none does.</summary>
    public static ResidentsPage? PageOf(RegionLedger ledger, OverlayEntry overlay, byte[] digests)
    {
        if (digests.Length != RegionLedger.Shards * DigestBytes)
        {
            return null;
        }

        var shards = new List<int>();
        var nodes = new List<ResidentNode>();
        for (var shard = 0; shard < RegionLedger.Shards && nodes.Count < LinkRequest.ResidentsMax; shard++)
        {
            if (BinaryPrimitives.ReadUInt64LittleEndian(digests.AsSpan(shard * DigestBytes)) != overlay.Digests[shard])
            {
                shards.Add(shard);
                nodes.AddRange(ledger.NodesOf(shard).Where(node => node.Home == overlay.Name).Select(NodeFacts.LivesOf));
            }
        }

        return shards.Count == 0 ? null : new ResidentsPage(shards, nodes);
    }

    /// <summary>What this overlay must change to remember what the home knows of those shards.</summary>
    public static IReadOnlyList<LedgerEntry> ChangesFor(RegionLedger ledger, string local, ResidentsPage page)
    {
        var told = page.Nodes.ToDictionary(node => node.Identity, StringComparer.Ordinal);
        var shards = page.Shards.Where(shard => shard is >= 0 and < RegionLedger.Shards);
        var left = shards.SelectMany(ledger.NodesOf).Where(node => node.Home == local && !told.ContainsKey(node.Identity));
        var changed = page.Nodes.Where(fact => ledger.Node(fact.Identity) is not { } known
            || known.Home != local || known.Decided != fact.Decided);
        return
        [
            .. left.Select(node => node.LiveHold is null
                ? (LedgerEntry)new LedgerEntry.NodeForgotten(node.Identity)
                : new LedgerEntry.NodeChanged(node with { Home = null, HomeAttempt = 0, Decided = default, Keeper = null })),
            .. changed.Select(fact => NodeFacts.Live(ledger.Node(fact.Identity), fact with { Overlay = local })),
        ];
    }
}
