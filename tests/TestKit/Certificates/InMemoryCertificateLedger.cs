using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using ControlPlane.Certificates;

namespace ControlPlane.TestKit.Certificates;

/// <summary>A ledger in memory. A fake: it survives nothing, and passes the same contract as the one in Redis.</summary>
public sealed class InMemoryCertificateLedger : ICertificateLedger
{
    private readonly ConcurrentDictionary<(string Issuer, string OrderId), LedgerEntry> entries = new();

    public Task<LedgerEntry?> ReadAsync(string issuer, string orderId, CancellationToken cancellationToken) =>
        Task.FromResult(entries.GetValueOrDefault((issuer, orderId)));

    public Task<LedgerEntry?> TryWriteAsync(LedgerEntry entry, CancellationToken cancellationToken)
    {
        var key = (entry.Issuer, entry.OrderId);
        var next = entry with { Version = entry.Version + 1 };
        var won = entries.TryGetValue(key, out var stored)
            ? stored.Version == entry.Version && entries.TryUpdate(key, next, stored)
            : entry.Version == 0 && entries.TryAdd(key, next);
        return Task.FromResult(won ? next : null);
    }

    public Task<IReadOnlyList<LedgerEntry>> ListAsync(string issuer, LedgerState state, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<LedgerEntry>>(
            [.. Of(issuer).Where(entry => entry.State == state).OrderBy(entry => entry.CreatedAt).Take(limit)]);

    public async IAsyncEnumerable<LedgerEntry> ScanAsync(string issuer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var entry in Of(issuer))
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            yield return entry;
        }
    }

    private IEnumerable<LedgerEntry> Of(string issuer) => entries.Values.Where(entry => entry.Issuer == issuer);
}
