using ControlPlane.Nodes;

namespace ControlPlane.Certificates;

/// <summary>The writes of an order to the ledger. Each is a compare-and-swap: who loses reads again.</summary>
/// <remarks>A write that throws may have been made. What it was the result of is then judged anew from what the ledger holds.</remarks>
internal sealed class OrderRecord(ICertificateLedger ledger, TimeProvider time)
{
    private const int ConflictsMax = 8;

    // Beyond the issuer's own time limit: the answer has to be checked and written too.
    private static readonly TimeSpan RecordingTime = TimeSpan.FromSeconds(5);

    /// <summary>Records that an issuer is about to be asked; null when another writer was first.</summary>
    public Task<LedgerEntry?> IntendAsync(
        LedgerEntry entry, CertificateOrderRequest order, string issuer, DateTimeOffset orderedAt, TimeSpan attemptMax) =>
        WriteAsync(entry with
        {
            AskedIssuer = issuer,
            OrderedAt = orderedAt,
            AttemptUntil = time.GetUtcNow() + attemptMax + RecordingTime,
            Request = order,
        });

    /// <summary>Records that no certificate came of the attempt, or that it is not known yet.</summary>
    public async Task<(IssuanceOutcome? Outcome, LedgerEntry Entry)> ReleaseAsync(
        LedgerEntry entry, string reason, DateTimeOffset retryAt, bool owed)
    {
        var released = owed
            ? entry with { AttemptUntil = time.GetUtcNow() }
            : entry with { AttemptUntil = null, AskedIssuer = null, OrderedAt = null, Request = null };
        return await WriteAsync(released) is { } written
            ? (new IssuanceOutcome.Deferred(reason, retryAt), written)
            : (null, entry);
    }

    /// <summary>Records a refusal, unless a certificate may exist; null when another writer was first.</summary>
    public async Task<IssuanceOutcome?> RefuseAsync(LedgerEntry entry, Refusal refusal, string detail)
    {
        if (entry.AskedIssuer is not null)
        {
            return await GiveUpAsync(entry, $"{entry.AskedIssuer} may have issued a certificate; asked again it is refused: {detail}");
        }

        var refused = entry with { State = LedgerState.Refused, Refusal = refusal, Detail = detail, AttemptUntil = null, Request = null };
        return await WriteAsync(refused) is null ? null : new IssuanceOutcome.Refused(refusal, detail);
    }

    /// <summary>Records that an issuer may have signed and that no one will know; null when another writer was first.</summary>
    public async Task<IssuanceOutcome?> GiveUpAsync(LedgerEntry entry, string detail) =>
        await WriteAsync(entry with { State = LedgerState.OutcomeUnknown, Detail = detail, AttemptUntil = null, Request = null }) is null
            ? null
            : new IssuanceOutcome.Spent(detail);

    /// <summary>Records a certificate before it is given out. Whatever others wrote meanwhile, none is lost and one is given out.</summary>
    public async Task<IssuanceOutcome?> IssueAsync(LedgerEntry entry, IssuedCertificate certificate)
    {
        for (var conflicts = 0; conflicts < ConflictsMax; conflicts++)
        {
            switch (entry.State)
            {
                // That the outcome was given up does not make it less true.
                case LedgerState.Intended or LedgerState.OutcomeUnknown:
                    if (await WriteAsync(Issued(entry, certificate)) is not null)
                    {
                        return new IssuanceOutcome.Issued(certificate);
                    }

                    break;

                case LedgerState.Issued when entry.Certificate?.SerialNumber == certificate.SerialNumber:
                    return new IssuanceOutcome.Issued(entry.Certificate);

                case LedgerState.RevocationDue when entry.Certificate is null:
                    if (await WriteAsync(entry with { Certificate = certificate, Request = null }) is not null)
                    {
                        return new IssuanceOutcome.Spent("the order was closed while it was signed");
                    }

                    break;

                default:
                    await KeepOrphanAsync(entry, certificate, "signed for an order that was settled otherwise");
                    return null;
            }

            entry = await ledger.ReadAsync(entry.Issuer, entry.OrderId, CancellationToken.None) ?? entry;
        }

        return null;
    }

    /// <summary>Records a certificate that must never be given out, to be revoked, under a name of its own.</summary>
    public Task KeepOrphanAsync(LedgerEntry entry, IssuedCertificate certificate, string detail)
    {
        var now = time.GetUtcNow();
        return WriteAsync(new LedgerEntry(
            entry.Issuer,
            $"{entry.OrderId}#{certificate.SerialNumber}",
            entry.Identity,
            LedgerState.RevocationDue,
            entry.RequestDigest,
            now,
            certificate,
            RevocationReason.Superseded,
            detail,
            Version: 0)
        {
            RevocationDueAt = now,
        });
    }

    // No token: what has happened must be recorded, whoever has lost interest.
    private Task<LedgerEntry?> WriteAsync(LedgerEntry entry) => ledger.TryWriteAsync(entry, CancellationToken.None);

    private static LedgerEntry Issued(LedgerEntry entry, IssuedCertificate certificate) => entry with
    {
        State = LedgerState.Issued,
        Certificate = certificate,
        AskedIssuer = certificate.Issuer,
        AttemptUntil = null,
        Request = null,
        Detail = null,
    };
}
