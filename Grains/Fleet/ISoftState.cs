namespace ControlPlane.Fleet;

/// <summary>
/// Keeps the last message of each key on the overlay's brokers: what is cheaper to remember than to learn again, and no loss.
/// </summary>
/// <remarks>Thread-safe. Areas and keys may hold any characters.</remarks>
public interface ISoftState
{
    /// <summary>Replaces what is kept under a key; when it returns, the broker has stored it. Safe to repeat.</summary>
    /// <exception cref="SoftStateException">The broker did not store it.</exception>
    Task KeepAsync(string area, string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>All that is kept in an area, in no order.</summary>
    /// <exception cref="SoftStateException">The broker does not answer.</exception>
    IAsyncEnumerable<SoftEntry> RecallAsync(string area, CancellationToken cancellationToken);

    /// <summary>What is kept under a key; null when nothing is.</summary>
    /// <exception cref="SoftStateException">The broker does not answer.</exception>
    Task<ReadOnlyMemory<byte>?> FindAsync(string area, string key, CancellationToken cancellationToken);
}

/// <param name="Key">As it was given.</param>
/// <param name="Content">As it was given.</param>
public sealed record SoftEntry(string Key, ReadOnlyMemory<byte> Content);

/// <summary>The overlay's brokers do not keep soft state now; it may heal.</summary>
public sealed class SoftStateException(string message, Exception? inner = null) : Exception(message, inner);
