namespace ControlPlane.Store;

/// <summary>
/// The last value of each key, on the brokers of this overlay: what is cheaper to remember than to learn again, and no loss.
/// </summary>
/// <remarks>
/// Thread-safe. Areas and keys may hold any characters. An acknowledged value survives what a record of an <see cref="ILog"/> does; when
/// the register is full, the values that were written longest ago go.
/// </remarks>
/// <exception cref="StoreUnavailableException">The brokers do not do it now; a value may have been written.</exception>
public interface IRegister
{
    /// <summary>Replaces the value of a key; when it returns, the brokers have stored it. Safe to repeat.</summary>
    /// <param name="area">What kind of keys it is one of.</param>
    /// <param name="key">The key.</param>
    /// <param name="content">Its value, at most <see cref="StoreLimits.ContentBytesMax"/>.</param>
    /// <param name="expected">The revision that the value was read at, 0 when there was none; null whatever it is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The new revision.</returns>
    /// <exception cref="StoreConflictException">Somebody else has written since. Nothing was changed.</exception>
    /// <exception cref="ArgumentException">It is more than a value may hold.</exception>
    Task<ulong> WriteAsync(
        string area, string key, ReadOnlyMemory<byte> content, ulong? expected, CancellationToken cancellationToken);

    /// <summary>The value of a key; null when it has none.</summary>
    Task<RegisterEntry?> FindAsync(string area, string key, CancellationToken cancellationToken);

    /// <summary>Removes a key with its value. Safe to repeat.</summary>
    Task RemoveAsync(string area, string key, CancellationToken cancellationToken);

    /// <summary>All values of an area, in no order.</summary>
    IAsyncEnumerable<RegisterEntry> ListAsync(string area, CancellationToken cancellationToken);
}

/// <summary>The registers of an overlay that are keyed services; the one without a key holds what is known of nodes,
/// which jobs are unfinished, which schedules there are, and what identity providers answered.</summary>
public static class Registers
{
    /// <summary>Which jobs have ended; what was not written for the retention of jobs (<c>Fleet:JobsMaxAge</c>) goes.</summary>
    public const string Jobs = "jobs-known";
}

/// <param name="Key">As it was given.</param>
/// <param name="Content">As it was given.</param>
/// <param name="Revision">Grows with every write.</param>
public sealed record RegisterEntry(string Key, ReadOnlyMemory<byte> Content, ulong Revision);
