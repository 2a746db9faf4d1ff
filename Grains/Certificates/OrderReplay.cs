using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>Finds the certificate of an order whose answer was lost, from what the ledger kept of the order.</summary>
internal sealed class OrderReplay(GuardedIssuers issuers, IOptionsMonitor<CertificatesOptions> options, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The certificate, or null when there is none or no one can tell.</summary>
    /// <exception cref="IssuerUnavailableException">The issuer cannot be asked now.</exception>
    public async Task<IssuedCertificate?> FindAsync(LedgerEntry entry, string issuer, CancellationToken cancellationToken)
    {
        if (entry.Request is not { } request
            || options.CurrentValue.ProfileOrNull(request.Profile) is not { } profile
            || SigningRequestCheck.Judge(
                request.SigningRequestPem, request.Identity, request.Overlay, profile) is not SigningRequestVerdict.Accepted accepted)
        {
            return null;
        }

        var order = CertificateOrderBuilder.Build(
            request.OrderId, accepted.Request, request.Overlay, profile, entry.OrderedAt ?? entry.CreatedAt);
        var outcome = issuers.RecoveryOf(issuer) switch
        {
            Recovery.ByRepeating => await RepeatAsync(issuers.Of(issuer), order, cancellationToken),
            Recovery.ByCatalog => await issuers.Of(issuer).FindAsync(order, cancellationToken),
            _ => null,
        };
        return outcome switch
        {
            SigningOutcome.Signed signed => signed.Certificate,
            SigningOutcome.Wrong wrong => wrong.Certificate,
            SigningOutcome.NotNow notNow => throw new IssuerUnavailableException(notNow.Detail),
            SigningOutcome.Unknown unknown => throw new IssuerUnavailableException(unknown.Detail),
            _ => null,
        };
    }

    // Asking again makes the lost certificate anew, which is then revoked by the serial number that both share.
    private async Task<SigningOutcome> RepeatAsync(GuardedIssuer guarded, CertificateOrder order, CancellationToken cancellationToken) =>
        await guarded.EnterAsync(IssuancePriority.NewNode, time.GetUtcNow() + Patience, cancellationToken) switch
        {
            GateVerdict.Deferred deferred => new SigningOutcome.NotNow(deferred.Reason, deferred.RetryAt),
            _ => await guarded.SignAsync(order, cancellationToken),
        };
}
