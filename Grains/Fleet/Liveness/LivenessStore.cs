using System.Collections.Immutable;
using ControlPlane.Nodes;
using ControlPlane.Store;
using Microsoft.Extensions.Options;
using Orleans.Serialization;

namespace ControlPlane.Fleet;

/// <summary>Keeps what a partition has heard where the silo that takes it over finds it.</summary>
internal sealed class LivenessStore(
    IRegister register,
    ISignsOfLife signs,
    Serializer serializer,
    StoredMessages stored,
    IOptions<LivenessOptions> options,
    TimeProvider time)
{
    /// <summary>Nodes in one message: some 400 kB at most, below the megabyte that a broker takes.</summary>
    private const int ChunkNodes = 2_000;

    /// <summary>Chunks of one snapshot are written one after the other, and the writer may have died in between.</summary>
    private const int IntervalsApart = 2;

    private static readonly TimeSpan SilenceMax = TimeSpan.FromDays(3650);

    /// <exception cref="StoreUnavailableException">It was not stored.</exception>
    public async Task KeepAsync(string partition, LivenessTable table, bool isFinal, CancellationToken cancellationToken)
    {
        var takenAt = time.GetUtcNow();
        foreach (var (index, chunk) in table.Records().ToList().Chunk(ChunkNodes).Index())
        {
            var content = serializer.SerializeToArray(new LivenessSnapshot(takenAt, [.. chunk], isFinal));
            await register.WriteAsync(AreaOf(partition), $"{index}", content, expected: null, cancellationToken);
        }
    }

    /// <summary>Tells a book what was heard before it. Safe to repeat. Returns whether its partition was left in order.</summary>
    /// <remarks>
    /// What was heard after the last snapshot was acknowledged, so it is not delivered again: it is read once more from where it is stored.
    /// </remarks>
    /// <param name="partition">The partition's key.</param>
    /// <param name="table">What is told.</param>
    /// <param name="hear">Is told of each sign of life after the snapshot.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="StoreUnavailableException">It cannot be read.</exception>
    public async Task<bool> RestoreAsync(
        string partition, LivenessTable table, Action<FleetEvent> hear, CancellationToken cancellationToken)
    {
        var chunks = await RecallAsync(partition, cancellationToken);
        var isInOrder = chunks.All(chunk => chunk.IsFinal);
        var since = isInOrder ? [] : await signs.SinceAsync(partition, chunks.Min(chunk => chunk.TakenAt), cancellationToken);
        foreach (var heartbeats in chunks.SelectMany(chunk => chunk.Nodes).Where(IsSound))
        {
            table.Restore(heartbeats, isExact: since is not null);
        }

        foreach (var heard in since ?? [])
        {
            hear(heard);
        }

        return isInOrder;
    }

    private async Task<IReadOnlyList<LivenessSnapshot>> RecallAsync(string partition, CancellationToken cancellationToken)
    {
        var chunks = new List<LivenessSnapshot>();
        await foreach (var entry in register.ListAsync(AreaOf(partition), cancellationToken))
        {
            if (stored.ReadOrNull<LivenessSnapshot>("liveness", $"{AreaOf(partition)}/{entry.Key}", entry.Content)
                is { Nodes.IsDefault: false } chunk && chunk.TakenAt > DateTimeOffset.UnixEpoch)
            {
                chunks.Add(chunk);
            }
        }

        // Chunks of a time when there were more nodes lie about, and say nothing any more.
        var apart = options.Value.SnapshotInterval * IntervalsApart;
        return [.. chunks.Where(chunk => chunks.Max(other => other.TakenAt) - chunk.TakenAt <= apart)];
    }

    // What can be read may be nonsense all the same.
    private static bool IsSound(HeartbeatRecord? heartbeats) => heartbeats is { Identity: not null }
        && Enum.IsDefined(heartbeats.State)
        && heartbeats.Silence >= TimeSpan.Zero
        && heartbeats.Silence < SilenceMax;

    private static string AreaOf(string partition) => $"liveness.{partition}";
}
