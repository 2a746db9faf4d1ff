namespace ControlPlane.Certificates;

/// <summary>Has the certificate of a closed order revoked, finding it first where its answer was lost.</summary>
internal sealed class RevocationSettlement(GuardedIssuers issuers, OrderReplay replay, IKeyRegister keys, TimeProvider time)
{
    /// <summary>The entry as it is then: closed, or with the certificate that was found, or due later. Repeatable.</summary>
    /// <exception cref="IssuerUnavailableException">Not known to have been revoked; ask again.</exception>
    public async Task<LedgerEntry> SettleAsync(LedgerEntry entry, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (entry.Certificate is { } certificate)
        {
            return await RevokeAsync(entry, certificate, now, cancellationToken);
        }

        if (entry.AttemptUntil is { } until && now < until)
        {
            // Whoever asks the CA will record what it answers.
            return entry with { RevocationDueAt = until };
        }

        return entry.AskedIssuer is { } issuer && await replay.FindAsync(entry, issuer, cancellationToken) is { } found
            ? await RevokeAsync(entry, found, now, cancellationToken)
            : Close(entry, $"{entry.AskedIssuer} may have issued a certificate that can no longer be found");
    }

    private async Task<LedgerEntry> RevokeAsync(
        LedgerEntry entry, IssuedCertificate certificate, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var known = entry with { Certificate = certificate };
        if (certificate.NotAfter <= now)
        {
            return Close(known, "expired before it was revoked");
        }

        if (entry.OrderId == certificate.OrderId)
        {
            // Not of an orphan, whose key may be certified rightly by now. Before the CA is asked: it may be away for long.
            await keys.RevokeAsync(certificate.PublicKeyFingerprint, cancellationToken);
        }

        if (issuers.RevokerOrNull(certificate.Issuer) is not { } revoker)
        {
            return Close(known, $"{certificate.Issuer} cannot revoke; it ends {certificate.NotAfter:u}");
        }

        try
        {
            await revoker.RevokeAsync(
                new RevocationOrder(certificate.Der(), entry.RevocationReason ?? RevocationReason.Superseded), cancellationToken);
            return Close(
                known, string.IsNullOrEmpty(entry.Detail)
                    ? $"revoked at {certificate.Issuer}"
                    : $"revoked at {certificate.Issuer}: {entry.Detail}");
        }
        catch (IssuerRefusedException refused)
        {
            return Close(known, $"{certificate.Issuer} does not revoke it: {refused.Message}");
        }
    }

    private static LedgerEntry Close(LedgerEntry entry, string detail) => entry with
    {
        State = LedgerState.Closed,
        Detail = detail,
        Request = null,
        AttemptUntil = null,
        RevocationDueAt = null,
    };
}
