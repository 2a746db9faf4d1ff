using ControlPlane.Access;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace ControlPlane.Certificates;

/// <remarks>Any number may be active: all that it says is in the ledger.</remarks>
[GrainType("certificate-inventory"), StatelessWorker, Reentrant]
internal sealed class CertificateInventoryGrain(
    ICertificateLedger ledger,
    LedgerLog history,
    GuardedIssuers issuers,
    IOptionsMonitor<CertificatesOptions> options,
    TimeProvider time)
    : Grain, ICertificateInventoryGrain
{
    private const int ConflictsMax = 8;

    public Task<IReadOnlyList<string>> ListIssuers() => Task.FromResult<IReadOnlyList<string>>([.. Ledgers]);

    public async Task<CertificatePage> List(
        string issuer, LedgerState state, LedgerPosition? after, int limit, CancellationToken cancellationToken)
    {
        var bounded = Math.Clamp(limit, 1, ICertificateInventoryGrain.PageMax);
        var entries = await ledger.ListAsync(issuer, state, after, bounded, cancellationToken);
        return new CertificatePage([.. entries.Select(RecordOf)], entries.Count == bounded ? entries[^1].Position : null);
    }

    public async Task<IReadOnlyList<CertificateRecord>> ListOfNode(string identity, CancellationToken cancellationToken)
    {
        var lists = await Task.WhenAll(Ledgers.Select(
            issuer => ledger.ListOfNodeAsync(issuer, identity, ICertificateInventoryGrain.PageMax, cancellationToken)));
        return
        [
            .. lists.SelectMany(list => list)
                .OrderByDescending(entry => entry.CreatedAt).Take(ICertificateInventoryGrain.PageMax).Select(RecordOf),
        ];
    }

    public async Task<CertificateRevocation> Revoke(CertificateRevocationRequest request, CancellationToken cancellationToken)
    {
        if (issuers.OrNull(request.Issuer)?.Revoker is null)
        {
            return new CertificateRevocation.Impossible($"'{request.Issuer}' cannot revoke, or is not configured here any more");
        }

        foreach (var home in Ledgers)
        {
            if (await RevokeIn(home, request, cancellationToken) is { } due)
            {
                return new CertificateRevocation.Due(RecordOf(due));
            }
        }

        return new CertificateRevocation.UnknownCertificate();
    }

    public async Task<IReadOnlyList<byte[]>?> GetRevocationLists(string issuer, CancellationToken cancellationToken) =>
        issuers.OrNull(issuer)?.RevocationLists is { } source
            ? await source.GetRevocationListsAsync(cancellationToken)
            : null;

    public async Task<LedgerHistory> GetHistory(string issuer, int shard, long after, int limit, CancellationToken cancellationToken)
    {
        var bounded = Math.Clamp(limit, 1, ICertificateInventoryGrain.PageMax);
        var (records, head) = await history.ReadAsync(issuer, shard, after, bounded, cancellationToken);
        return new LedgerHistory(records, head, LedgerChain.Faults(records, after, head, complete: records.Count < bounded));
    }

    private IEnumerable<string> Ledgers => options.CurrentValue.Ledgers;

    private async Task<LedgerEntry?> RevokeIn(string home, CertificateRevocationRequest request, CancellationToken cancellationToken)
    {
        for (var conflicts = 0; conflicts < ConflictsMax; conflicts++)
        {
            if (await ledger.FindAsync(home, request.Issuer, request.SerialNumber, cancellationToken) is not { } entry)
            {
                return null;
            }

            if (entry.State is LedgerState.Closed
                || (entry.State is LedgerState.RevocationDue && entry.RevocationDueAt <= time.GetUtcNow()))
            {
                return entry;
            }

            // A grace that was granted to a superseded certificate ends here too: who asks wants it gone now.
            var due = entry with
            {
                State = LedgerState.RevocationDue,
                RevocationReason = request.Reason,
                RevocationDueAt = time.GetUtcNow(),
                Detail = $"asked for by {CallerContext.Actor}: {request.Explanation}",
            };
            if (await ledger.TryWriteAsync(due, cancellationToken) is { } written)
            {
                return written;
            }
        }

        throw new LedgerUnavailableException($"the order of certificate {request.SerialNumber} is being changed by others all the time");
    }

    private static CertificateRecord RecordOf(LedgerEntry entry) => new(
        entry.OrderId,
        entry.Identity,
        entry.State,
        entry.CreatedAt,
        entry.Certificate?.Issuer ?? entry.AskedIssuer,
        entry.Certificate?.SerialNumber,
        entry.Certificate?.NotBefore,
        entry.Certificate?.NotAfter,
        entry.Certificate?.PublicKeyFingerprint,
        entry.Certificate?.CertificateFingerprint(),
        entry.RevocationReason,
        entry.Detail);
}
