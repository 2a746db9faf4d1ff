using System.IO.Compression;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Placement.Overlays;

/// <summary>
/// An overlay's linear history on a grain store: a head, one record per shard of nodes, and a journal of what came since.
/// </summary>
/// <remarks>
/// A commit writes one new journal record, however many nodes the overlay has; now and then the changed shards are written and the
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

    private GrainState<PlacesHead> head = new() { State = new PlacesHead() };
    private readonly GrainState<PlacementRecord>[] shards = new GrainState<PlacementRecord>[OverlayPlaces.Shards];
    private long next;
    private int entriesSinceCompaction;

    public bool WantsCompaction => next - head.State!.JournalFrom > RecordsMax || entriesSinceCompaction > EntriesMax;

    public async Task RestoreAsync(OverlayPlaces places)
    {
        head = new GrainState<PlacesHead> { State = new PlacesHead() };
        await storage.ReadStateAsync("places-head", grain, head);
        head.State ??= new PlacesHead();
        places.Restore(head.State);
        await RestoreShardsAsync(places);

        next = head.State!.JournalFrom;
        while (await ReadAsync(next) is { } entries)
        {
            foreach (var entry in entries)
            {
                places.Apply(entry);
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
    public async Task CompactAsync(OverlayPlaces places)
    {
        // Entries that are appended meanwhile may or may not be in the shards; replaying them over either is the same.
        var from = next;
        entriesSinceCompaction = 0;
        for (var shard = 0; shard < OverlayPlaces.Shards; shard++)
        {
            if (places.ChangedShards[shard])
            {
                places.ChangedShards[shard] = false;
                await WriteShardAsync(shard, places);
            }
        }

        var before = head.State!;
        head.State = places.Capture() with { JournalFrom = from, JournalDroppedTo = before.JournalFrom };
        await storage.WriteStateAsync("places-head", grain, head);
        for (var position = before.JournalDroppedTo; position < before.JournalFrom; position++)
        {
            await DropAsync(position);
        }
    }

    private static string RecordName(long position) => $"places-journal-{position}";

    private static string ShardName(int shard) => $"places-nodes-{shard}";

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

    private async Task RestoreShardsAsync(OverlayPlaces places)
    {
        for (var from = 0; from < OverlayPlaces.Shards; from += ReadsAtOnce)
        {
            await Task.WhenAll(Enumerable.Range(from, ReadsAtOnce).Select(ReadShardAsync));
            for (var shard = from; shard < from + ReadsAtOnce; shard++)
            {
                if (shards[shard].State is { Body.Length: > 0 } record)
                {
                    places.RestoreShard(Unpack(record.Body));
                }

                // The body is only needed again to be replaced; the ETag stays.
                shards[shard].State = new PlacementRecord();
            }
        }

        Array.Clear(places.ChangedShards);
    }

    private async Task ReadShardAsync(int shard)
    {
        shards[shard] = new GrainState<PlacementRecord> { State = new PlacementRecord() };
        await storage.ReadStateAsync(ShardName(shard), grain, shards[shard]);
    }

    private async Task WriteShardAsync(int shard, OverlayPlaces places)
    {
        shards[shard].State = new PlacementRecord { Body = Pack(PackedShard.Of(places.NodesOf(shard))) };
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
[GenerateSerializer, Alias("ControlPlane.PlacesHead")]
internal sealed record PlacesHead
{
    /// <summary>The first journal position that the shards do not hold.</summary>
    [Id(0)]
    public long JournalFrom { get; init; }

    /// <summary>The journal was dropped before this position.</summary>
    [Id(1)]
    public long JournalDroppedTo { get; init; }

    [Id(2)]
    public OverlayState State { get; init; }

    [Id(3)]
    public string Reason { get; init; } = "configured";

    /// <summary>The latest leader that was heard of.</summary>
    [Id(4)]
    public LeaderEpoch Leader { get; init; }
}
