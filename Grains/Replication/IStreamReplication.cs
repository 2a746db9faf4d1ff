using ControlPlane.Store;

namespace ControlPlane.Replication;

/// <summary>Copies JetStream streams to others, as the section <c>Replication</c> says.</summary>
/// <remarks>
/// Thread-safe. Several may copy one link at once and do no harm: each copy is stored once, in order, whoever brings it.
/// </remarks>
/// <exception cref="StoreUnavailableException">One of the two sides does not do it now, or cannot be used as it is.</exception>
public interface IStreamReplication
{
    /// <summary>The links that are configured, by name.</summary>
    IReadOnlyList<ReplicationLink> Links { get; }

    /// <summary>Copies what a link's source holds and what comes, until it is cancelled or fails.</summary>
    /// <param name="link">One of <see cref="Links"/>.</param>
    /// <param name="checkpoint">What was kept of it last; null for a new link.</param>
    /// <param name="observer">Hears of it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task CopyAsync(string link, string? checkpoint, ReplicationObserver observer, CancellationToken cancellationToken);

    /// <summary>Compares the last copies with what the source holds.</summary>
    /// <param name="link">One of <see cref="Links"/>.</param>
    /// <param name="copiesMax">How many copies at most.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<ReplicationVerification> VerifyAsync(string link, int copiesMax, CancellationToken cancellationToken);
}

/// <summary>A link that is configured.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Source">The stream that is copied, and where, for people.</param>
/// <param name="Target">The stream that it is copied to, and where, for people.</param>
/// <param name="RetentionLeftMin">With less of the source's room or time left, operators are told.</param>
/// <param name="LagMax">When the oldest message to be copied is older, they are told as well.</param>
public sealed record ReplicationLink(string Name, string Source, string Target, double RetentionLeftMin, TimeSpan LagMax);

/// <summary>What hears of a link that is copied.</summary>
/// <param name="KeepAsync">Keeps a checkpoint, instead of the one before. The first is kept before anything is copied.</param>
/// <param name="Report">Hears about once a second how far it is.</param>
/// <param name="Estimate">Hears what waits, about, when the target cannot be reached.</param>
public sealed record ReplicationObserver(
    Func<string, Task> KeepAsync, Action<ReplicationProgress> Report, Action<ReplicationProgress> Estimate);
