using System.IO.Compression;
using ControlPlane.Placement.Plans;
using ControlPlane.Placement.Policies;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Placement;

/// <summary>
/// The region's linear history on a grain store: a head, one record per shard of nodes, and a journal of what came since.
/// </summary>
/// <remarks>
/// A commit writes one new journal record, however many nodes the region has; now and then the changed shards are written and the
/// journal before them is dropped. Each journal position can be written once only (the store refuses a record that exists), so
/// two activations cannot both go on: the later one opens by taking the next position. Positions are dropped one compaction late,
/// so that a displaced activation finds its next position taken and not free again.
/// </remarks>
internal sealed class PlacementJournal(IGrainStorage storage, GrainId grain, Serializer serializer)
{
    /// <summary>Journal records after which the shards are written.</summary>
    public const int RecordsMax = 2048;

    /// <summary>Journal entries after which the shards are written.</summary>
    public const int EntriesMax = 200_000;

    private const int ReadsAtOnce = 16;

    private GrainState<PlacementHead> head = new() { State = new PlacementHead() };
    private readonly GrainState<PlacementRecord>[] shards = new GrainState<PlacementRecord>[RegionState.Shards];
    private long next;
    private int entriesSinceCompaction;

    public bool WantsCompaction => next - head.State!.JournalFrom > RecordsMax || entriesSinceCompaction > EntriesMax;

    public async Task RestoreAsync(RegionState ledger)
    {
        head = new GrainState<PlacementHead> { State = new PlacementHead() };
        await storage.ReadStateAsync("placement-head", grain, head);
        head.State ??= new PlacementHead();
        ledger.Restore(head.State);
        await RestoreShardsAsync(ledger);

        next = head.State!.JournalFrom;
        while (await ReadAsync(next) is { } entries)
        {
            foreach (var entry in entries)
            {
                ledger.Apply(entry);
            }

            entriesSinceCompaction += entries.Length;
            next++;
        }
    }

    /// <summary>Writes the next journal record. When it throws, whether it was stored is unknown and this activation must end.</summary>
    public async Task AppendAsync(PlacementChange[] entries)
    {
        var state = new GrainState<PlacementRecord> { State = new PlacementRecord { Body = serializer.SerializeToArray(entries) } };
        await storage.WriteStateAsync(RecordName(next), grain, state);
        next++;
        entriesSinceCompaction += entries.Length;
    }

    /// <summary>Writes the changed shards, then a head that says so, then drops the journal that the head before had no use for.</summary>
    public async Task CompactAsync(RegionState ledger, Func<PlacementHead> capture)
    {
        // Entries that are appended meanwhile may or may not be in the shards; replaying them over either is the same.
        var from = next;
        entriesSinceCompaction = 0;
        for (var shard = 0; shard < RegionState.Shards; shard++)
        {
            if (ledger.ChangedShards[shard])
            {
                ledger.ChangedShards[shard] = false;
                await WriteShardAsync(shard, ledger);
            }
        }

        var before = head.State!;
        head.State = capture() with { JournalFrom = from, JournalDroppedTo = before.JournalFrom };
        await storage.WriteStateAsync("placement-head", grain, head);
        for (var position = before.JournalDroppedTo; position < before.JournalFrom; position++)
        {
            await DropAsync(position);
        }
    }

    private static string RecordName(long position) => $"placement-journal-{position}";

    private static string ShardName(int shard) => $"placement-nodes-{shard}";

    private async Task<PlacementChange[]?> ReadAsync(long position)
    {
        var state = new GrainState<PlacementRecord> { State = new PlacementRecord() };
        await storage.ReadStateAsync(RecordName(position), grain, state);
        return state.RecordExists && state.State is { Body.Length: > 0 } record
            ? serializer.Deserialize<PlacementChange[]>(record.Body)
            : null;
    }

    private async Task DropAsync(long position)
    {
        var state = new GrainState<PlacementRecord> { State = new PlacementRecord() };
        await storage.ReadStateAsync(RecordName(position), grain, state);
        if (state.RecordExists)
        {
            await storage.ClearStateAsync(RecordName(position), grain, state);
        }
    }

    private async Task RestoreShardsAsync(RegionState ledger)
    {
        for (var from = 0; from < RegionState.Shards; from += ReadsAtOnce)
        {
            await Task.WhenAll(Enumerable.Range(from, ReadsAtOnce).Select(ReadShardAsync));
            for (var shard = from; shard < from + ReadsAtOnce; shard++)
            {
                if (shards[shard].State is { Body.Length: > 0 } record)
                {
                    ledger.RestoreShard(shard, Unpack(record.Body));
                }

                // The body is only needed again to be replaced; the ETag stays.
                shards[shard].State = new PlacementRecord();
            }
        }

        Array.Clear(ledger.ChangedShards);
    }

    private async Task ReadShardAsync(int shard)
    {
        shards[shard] = new GrainState<PlacementRecord> { State = new PlacementRecord() };
        await storage.ReadStateAsync(ShardName(shard), grain, shards[shard]);
    }

    private async Task WriteShardAsync(int shard, RegionState ledger)
    {
        shards[shard].State = new PlacementRecord { Body = Pack(PackedShard.Of(ledger.NodesOf(shard), ledger.Departed.Of(shard))) };
        await storage.WriteStateAsync(ShardName(shard), grain, shards[shard]);
        shards[shard].State = new PlacementRecord();
    }

    private byte[] Pack(PackedShard shard)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Fastest))
        {
            brotli.Write(serializer.SerializeToArray(shard));
        }

        return packed.ToArray();
    }

    private PackedShard Unpack(byte[] packed)
    {
        using var plain = new MemoryStream();
        using (var brotli = new BrotliStream(new MemoryStream(packed), CompressionMode.Decompress))
        {
            brotli.CopyTo(plain);
        }

        return serializer.Deserialize<PackedShard>(plain.GetBuffer().AsMemory(0, (int)plain.Length)) ?? new PackedShard([], []);
    }
}

/// <summary>One stored piece of the history: journal entries, or the nodes of a shard.</summary>
[GenerateSerializer, Alias("ControlPlane.PlacementRecord")]
internal sealed record PlacementRecord
{
    [Id(0)]
    public byte[] Body { get; init; } = [];
}

/// <summary>Where the journal begins, and what is too small to have shards.</summary>
[GenerateSerializer, Alias("ControlPlane.PlacementHead")]
internal sealed record PlacementHead
{
    /// <summary>The first journal position that the shards do not hold.</summary>
    [Id(0)]
    public long JournalFrom { get; init; }

    /// <summary>The journal was dropped before this position.</summary>
    [Id(1)]
    public long JournalDroppedTo { get; init; }

    [Id(2)]
    public long Sequence { get; init; }

    /// <summary>In the order of their numbers.</summary>
    [Id(3)]
    public PlacementChange.OverlaySet[] Overlays { get; init; } = [];

    [Id(4)]
    public Dictionary<string, string> Homings { get; init; } = [];

    [Id(5)]
    public PolicyHistory Policies { get; init; } = PolicyHistory.Empty;

    [Id(6)]
    public PlanList Plans { get; init; } = PlanList.Empty;

    /// <summary>Null while the configured home holds.</summary>
    [Id(7)]
    public PlacementChange.LeaderSet? Leader { get; init; }

    [Id(8)]
    public PlacementChange.NodeUnplaced[] Unplaced { get; init; } = [];

    /// <summary>When this history began; null when it was stored before that was kept.</summary>
    [Id(9)]
    public DateTimeOffset? Born { get; init; }

    [Id(10)]
    public PlacementChange.PlacesUntold[] Untold { get; init; } = [];
}
