using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>The overlay's feed of changes, in one order for all silos: where the index writes and watchers read.</summary>
public interface INodeChanges
{
    /// <summary>Publishes changes; when it returns, the broker has stored them.</summary>
    /// <exception cref="SoftStateException">The broker did not store them now; it may later.</exception>
    /// <exception cref="ArgumentException">They are more than a message can hold: fewer at once may do.</exception>
    Task PublishAsync(IReadOnlyList<NodeChange> changes, CancellationToken cancellationToken);
}

/// <summary>The end of the feed, as this silo follows it.</summary>
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
