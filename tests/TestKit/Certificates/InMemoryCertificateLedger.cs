using System.Runtime.CompilerServices;

namespace ControlPlane.Certificates;

/// <summary>A ledger in memory, with the writes that it saw and faults on demand. Thread-safe.</summary>
public sealed class InMemoryCertificateLedger : ICertificateLedger
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string Issuer, string OrderId), LedgerEntry> entries = [];
    private readonly List<LedgerEntry> writes = [];
    private readonly Dictionary<(string Issuer, int Shard), List<LedgerRecord>> outboxes = [];
    private readonly Dictionary<(string Issuer, int Shard), LedgerHead> heads = [];

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
            var shard = (entry.Issuer, entry.Shard);
            var record = LedgerChain.Next(heads.GetValueOrDefault(shard, LedgerHead.None), entry, TimeProvider.System.GetUtcNow());
            OutboxOf(shard).Add(record);
            heads[shard] = new LedgerHead(record.Sequence, record.Hash);
        }

        AfterWrite?.Invoke(written);
        return Task.FromResult<LedgerEntry?>(written);
    }

    public Task<IReadOnlyList<LedgerEntry>> ListAsync(
        string issuer, LedgerState state, LedgerPosition? after, int limit, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult<IReadOnlyList<LedgerEntry>>([.. entries.Values
                .Where(entry => entry.Issuer == issuer && entry.State == state)
                .OrderBy(entry => entry.Position.At)
                .ThenBy(entry => entry.OrderId, StringComparer.Ordinal)
                .SkipWhile(entry => after is not null && !IsAfter(entry.Position, after))
                .Take(limit)]);
        }
    }

    public Task<LedgerEntry?> FindAsync(string issuer, string signer, string serialNumber, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult(entries.Values.FirstOrDefault(entry =>
                entry.Issuer == issuer && entry.Certificate?.Issuer == signer && entry.Certificate.SerialNumber == serialNumber));
        }
    }

    public Task<IReadOnlyList<LedgerEntry>> ListOfNodeAsync(string issuer, string identity, int limit, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult<IReadOnlyList<LedgerEntry>>([.. entries.Values
                .Where(entry => entry.Issuer == issuer && entry.Identity == identity)
                .OrderByDescending(entry => entry.CreatedAt)
                .ThenByDescending(entry => entry.OrderId, StringComparer.Ordinal)
                .Take(limit)]);
        }
    }

    public Task<(IReadOnlyList<LedgerRecord> Records, LedgerHead Head)> ReadOutboxAsync(
        string issuer, int shard, long after, int limit, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return Task.FromResult<(IReadOnlyList<LedgerRecord>, LedgerHead)>((
                [.. OutboxOf((issuer, shard)).Where(record => record.Sequence > after).Take(limit)],
                heads.GetValueOrDefault((issuer, shard), LedgerHead.None)));
        }
    }

    public Task TrimOutboxAsync(string issuer, int shard, long through, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            OutboxOf((issuer, shard)).RemoveAll(record => record.Sequence <= through);
            return Task.CompletedTask;
        }
    }

    /// <summary>Forgets a shard's newest records, as Redis does that comes back without its last writes.</summary>
    public void LoseEnd(string issuer, int shard, int count)
    {
        lock (gate)
        {
            var records = OutboxOf((issuer, shard));
            records.RemoveRange(records.Count - count, count);
            heads[(issuer, shard)] = records is [.., var last] ? new LedgerHead(last.Sequence, last.Hash) : LedgerHead.None;
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

    private List<LedgerRecord> OutboxOf((string Issuer, int Shard) shard)
    {
        if (!outboxes.TryGetValue(shard, out var records))
        {
            outboxes[shard] = records = [];
        }

        return records;
    }

    private static bool IsAfter(LedgerPosition position, LedgerPosition other) =>
        position.At > other.At || (position.At == other.At && string.CompareOrdinal(position.OrderId, other.OrderId) > 0);
}
