using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace ControlPlane.Certificates;

[GrainType("certificate-sweep")]
internal sealed partial class CertificateSweepGrain(
    IGrainContext context,
    ICertificateLedger ledger,
    GuardedIssuers issuers,
    IKeyRegister keys,
    IOptionsMonitor<CertificatesOptions> options,
    CertificatesMeter meter,
    TimeProvider time,
    ILogger<CertificateSweepGrain> logger) : IGrainBase, ICertificateSweepGrain
{
    private const int BatchMax = 256;
    private const int AtOnceMax = 8;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SpoiltDelay = TimeSpan.FromHours(1);
    private static readonly TimeSpan FindPatience = TimeSpan.FromSeconds(30);

    public IGrainContext GrainContext => context;

    private string Issuer { get; } = context.GrainId.Key.ToString()!;

    public async Task<bool> Sweep(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var oldest = await ledger.ListAsync(Issuer, LedgerState.RevocationDue, after: null, BatchMax, cancellationToken);
        var due = oldest.Where(entry => (entry.RevocationDueAt ?? entry.CreatedAt) <= now).ToList();
        var settled = 0;
        foreach (var few in due.Chunk(AtOnceMax))
        {
            var results = await Task.WhenAll(few.Select(entry => Settle(entry, cancellationToken)));
            settled += results.Count(result => result);
        }

        meter.Count(Issuer, await ledger.CountAsync(Issuer, cancellationToken));
        return settled == BatchMax;
    }

    private async Task<bool> Settle(LedgerEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            var settled = await Revoke(entry, cancellationToken);
            if (await ledger.TryWriteAsync(settled, CancellationToken.None) is not null && settled.State == LedgerState.Closed)
            {
                LogRevoked(entry.Identity, entry.OrderId, settled.Certificate?.SerialNumber ?? "", settled.Detail ?? "");
                return true;
            }

            return false;
        }
        catch (Exception waits) when (
            waits is IssuerUnavailableException or IssuerThrottledException or IssuerMisconfiguredException or CryptographicException)
        {
            LogWaits(entry.Identity, entry.OrderId, waits.Message);

            // To the end of the line: one CA that is away, or one record that is spoilt, must not keep the certificates of the others
            // from being revoked.
            var delay = waits is CryptographicException ? SpoiltDelay : RetryDelay;
            await ledger.TryWriteAsync(entry with { RevocationDueAt = time.GetUtcNow() + delay }, CancellationToken.None);
            return false;
        }
    }

    /// <summary>The entry as it is then: closed, or with the certificate that was found, or due later. Repeatable.</summary>
    private async Task<LedgerEntry> Revoke(LedgerEntry entry, CancellationToken cancellationToken)
    {
        if (entry is { Certificate: null, AttemptUntil: { } until } && time.GetUtcNow() < until)
        {
            // Whoever asks the CA will record what it answers.
            return entry with { RevocationDueAt = until };
        }

        return (entry.Certificate ?? await Find(entry, cancellationToken)) is { } certificate
            ? await Revoke(entry with { Certificate = certificate }, certificate, cancellationToken)
            : entry.Closed($"{entry.AskedIssuer} may have issued a certificate that can no longer be found");
    }

    private async Task<LedgerEntry> Revoke(LedgerEntry entry, IssuedCertificate certificate, CancellationToken cancellationToken)
    {
        if (certificate.NotAfter <= time.GetUtcNow())
        {
            return entry.Closed("expired before it was revoked");
        }

        if (entry.OrderId == certificate.OrderId)
        {
            // Not of an orphan, whose key may be certified rightly by now. Before the CA is asked: it may be away for long.
            await keys.RevokeAsync(certificate.PublicKeyFingerprint, cancellationToken);
        }

        if (issuers.OrNull(certificate.Issuer)?.Revoker is not { } revoker)
        {
            return entry.Closed($"{certificate.Issuer} cannot revoke; it ends {certificate.NotAfter:u}");
        }

        try
        {
            await revoker.RevokeAsync(
                new RevocationOrder(certificate.Der(), entry.RevocationReason ?? RevocationReason.Superseded), cancellationToken);
            var revoked = $"revoked at {certificate.Issuer}";
            return entry.Closed(string.IsNullOrEmpty(entry.Detail) ? revoked : $"{revoked}: {entry.Detail}");
        }
        catch (IssuerRefusedException refused)
        {
            return entry.Closed($"{certificate.Issuer} does not revoke it: {refused.Message}");
        }
    }

    /// <summary>The certificate of an order whose answer was lost; null when there is none or no one can tell.</summary>
    private async Task<IssuedCertificate?> Find(LedgerEntry entry, CancellationToken cancellationToken)
    {
        if (entry is not { Request: { } request, AskedIssuer: { } issuer }
            || options.CurrentValue.ProfileOrNull(request.Profile) is not { } profile
            || OrderDraft.Judge(request, profile, out _) is not { } draft
            || !issuers.CanFind(issuer))
        {
            return null;
        }

        var asked = request with { Priority = IssuancePriority.NewNode, Deadline = time.GetUtcNow() + FindPatience };
        return await issuers.Of(issuer).FindAsync(draft.At(entry.OrderedAt ?? entry.CreatedAt), asked, cancellationToken) switch
        {
            SigningOutcome.Signed signed => signed.Certificate,
            SigningOutcome.Wrong wrong => wrong.Certificate,
            SigningOutcome.NotNow notNow => throw new IssuerUnavailableException(notNow.Detail),
            SigningOutcome.Unknown unknown => throw new IssuerUnavailableException(unknown.Detail),
            _ => null,
        };
    }

    [LoggerMessage(LogLevel.Information, "Order {Order} of {Node} is closed, serial {Serial}: {Detail}")]
    private partial void LogRevoked(string node, string order, string serial, string detail);

    [LoggerMessage(LogLevel.Warning, "Order {Order} of {Node} is still to be revoked: {Reason}")]
    private partial void LogWaits(string node, string order, string reason);
}
