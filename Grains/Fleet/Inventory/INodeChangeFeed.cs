using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>The end of the overlay's log of changes, as this silo follows it.</summary>
public interface INodeChangeFeed
{
    /// <summary>The changes after a position, at most so many batches; waits until there is one.</summary>
    /// <remarks>Any number of readers cost no more than their positions: all read the same window of the feed.</remarks>
    ValueTask<FeedRead> ReadAsync(ulong? after, int batchesMax, CancellationToken cancellationToken);
}

/// <summary>What a reader of the feed gets.</summary>
public abstract record FeedRead
{
    /// <param name="Batches">In order; empty when a reader without a position begins: it goes on from <paramref name="Position"/>.</param>
    /// <param name="Position">Where to go on.</param>
    public sealed record Changes(IReadOnlyList<ChangeBatch> Batches, ulong Position) : FeedRead;

    /// <summary>
    /// Changes after the position are gone: the reader must read all nodes again, and go on from <paramref name="Position"/>.
    /// </summary>
    public sealed record TooOld(ulong Position) : FeedRead;
}

/// <param name="Position">Where it lies in the feed; grows by one.</param>
/// <param name="Changes">Of different nodes, or of one in order.</param>
public sealed record ChangeBatch(ulong Position, IReadOnlyList<NodeChange> Changes);
