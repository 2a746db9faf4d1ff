using System.Runtime.CompilerServices;

namespace ControlPlane.Certificates;

/// <summary>A ledger in memory, with the writes that it saw and faults on demand. Thread-safe.</summary>
public sealed class InMemoryCertificateLedger : ICertificateLedger
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string Issuer, string OrderId), LedgerEntry> entries = [];
    private readonly List<LedgerEntry> writes = [];

    /// <summary>Called before each write; throws what the test wants to happen instead.</summary>
    public Action<LedgerEntry>? BeforeWrite { get; set; }

    /// <summary>Called after each write that succeeded; throwing makes it a write whose answer was lost.</summary>
    public Action<LedgerEntry>? AfterWrite { get; set; }

    /// <summary>Every write that succeeded, in order.</summary>
    public IReadOnlyList<LedgerEntry> Writes
    {
        get
        {
            lock (gate)
            {
                return [.. writes];
            }
        }
    }

    /// <summary>All entries now.</summary>
    public IReadOnlyList<LedgerEntry> Entries
    {
        get
        {
            lock (gate)
            {
                return [.. entries.Values];
            }
        }
    }

    public Task<LedgerEntry?> ReadAsync(string issuer, string orderId, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult(entries.GetValueOrDefault((issuer, orderId)));
        }
    }

    public Task<LedgerEntry?> TryWriteAsync(LedgerEntry entry, CancellationToken cancellationToken)
    {
        BeforeWrite?.Invoke(entry);
        LedgerEntry written;
        lock (gate)
        {
            var key = (entry.Issuer, entry.OrderId);
            if ((entries.GetValueOrDefault(key)?.Version ?? 0) != entry.Version)
            {
                return Task.FromResult<LedgerEntry?>(null);
            }

            written = entry with { Version = entry.Version + 1 };
            entries[key] = written;
            writes.Add(written);
        }

        AfterWrite?.Invoke(written);
        return Task.FromResult<LedgerEntry?>(written);
    }

    public Task<IReadOnlyList<LedgerEntry>> ListAsync(string issuer, LedgerState state, int limit, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult<IReadOnlyList<LedgerEntry>>([.. entries.Values
                .Where(entry => entry.Issuer == issuer && entry.State == state)
                .OrderBy(entry => entry.RevocationDueAt ?? entry.CreatedAt)
                .ThenBy(entry => entry.OrderId, StringComparer.Ordinal)
                .Take(limit)]);
        }
    }

    public Task<IReadOnlyDictionary<LedgerState, long>> CountAsync(string issuer, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult<IReadOnlyDictionary<LedgerState, long>>(entries.Values
                .Where(entry => entry.Issuer == issuer)
                .GroupBy(entry => entry.State)
                .ToDictionary(group => group.Key, group => group.LongCount()));
        }
    }

    public async IAsyncEnumerable<LedgerEntry> ScanAsync(string issuer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var entry in Entries.Where(entry => entry.Issuer == issuer))
        {
            await Task.CompletedTask;
            cancellationToken.ThrowIfCancellationRequested();
            yield return entry;
        }
    }
}
