using System.Security.Cryptography;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>
/// The issuer of certificates that the helper brought along: it hands out what came with the order, so that a certificate of somebody
/// else's CA is checked, recorded and superseded as any other.
/// </summary>
internal sealed class HelperCertificates : ICertificateIssuer
{
    public const string IssuerName = "helper";

    public string Name => IssuerName;

    public IssuerCapabilities Capabilities { get; } = IssuerCapabilities.None with
    {
        // The certificate stays with the node until it arrived.
        Repeatable = true,
    };

    public Task<SignedCertificate> IssueAsync(CertificateOrder order, CancellationToken cancellationToken)
    {
        if (order.Given is not { } given)
        {
            throw new IssuerMisconfiguredException("the helper brought no certificate along, and no other issuer is in the profile");
        }

        try
        {
            return Task.FromResult(
                new SignedCertificate(PemCertificates.ReadDer(given.CertificatePem)[0], PemCertificates.ReadDer(given.ChainPem)));
        }
        catch (CryptographicException unreadable)
        {
            throw new IssuerMisconfiguredException($"the helper's certificate or its CA: {unreadable.Message}", unreadable);
        }
    }

    // It comes with each certificate.
    public Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<byte[]>>([]);

    public Task<IssuerHealth> CheckAsync(CancellationToken cancellationToken) =>
        Task.FromResult(new IssuerHealth(true, "it hands out what the helper brings along"));
}
