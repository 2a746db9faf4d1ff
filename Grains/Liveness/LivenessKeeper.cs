using System.Collections.Immutable;
using ControlPlane.Fleet;
using Microsoft.Extensions.Options;
using Orleans.Serialization;

namespace ControlPlane.Liveness;

/// <summary>Keeps what a partition has heard where the silo that takes it over finds it.</summary>
internal sealed class LivenessKeeper(ISoftState soft, Serializer serializer, IOptions<LivenessOptions> options, TimeProvider time)
{
    /// <summary>Nodes in one message: some 400 kB at most, below the megabyte that a broker takes.</summary>
    private const int ChunkNodes = 2_000;

    /// <summary>Chunks of one snapshot are written one after the other, and the writer may have died in between.</summary>
    private const int IntervalsApart = 2;

    /// <exception cref="SoftStateException">It was not stored.</exception>
    public async Task KeepAsync(string partition, LivenessBook book, bool isFinal, CancellationToken cancellationToken)
    {
        var takenAt = time.GetUtcNow();
        foreach (var (index, chunk) in book.Records().ToList().Chunk(ChunkNodes).Index())
        {
            var content = serializer.SerializeToArray(new LivenessSnapshot(takenAt, [.. chunk], isFinal));
            await soft.KeepAsync(AreaOf(partition), $"{index}", content, cancellationToken);
        }
    }

    /// <summary>Tells a book what was heard before it. Safe to repeat.</summary>
    /// <exception cref="SoftStateException">It cannot be read.</exception>
    public async Task RestoreAsync(string partition, LivenessBook book, CancellationToken cancellationToken)
    {
        var chunks = new List<LivenessSnapshot>();
        await foreach (var entry in soft.RecallAsync(AreaOf(partition), cancellationToken))
        {
            if (serializer.Deserialize<LivenessSnapshot>(entry.Content) is { } chunk)
            {
                chunks.Add(chunk);
            }
        }

        // Chunks of a time when there were more nodes lie about, and say nothing any more.
        var newestFirst = chunks.OrderByDescending(chunk => chunk.TakenAt).ToList();
        var apart = options.Value.SnapshotInterval * IntervalsApart;
        foreach (var chunk in newestFirst.TakeWhile(chunk => newestFirst[0].TakenAt - chunk.TakenAt <= apart))
        {
            foreach (var pulse in chunk.Pulses)
            {
                book.Restore(pulse, chunk.IsFinal);
            }
        }
    }

    private static string AreaOf(string partition) => $"liveness.{partition}";
}
