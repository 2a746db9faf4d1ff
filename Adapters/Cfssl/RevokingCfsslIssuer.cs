using System.Globalization;
using System.Numerics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>A cfssl with a database, that can mark what it issued as revoked.</summary>
internal class RevokingCfsslIssuer(string name, CfsslOptions options, TimeProvider time)
    : CfsslIssuer(name, options, time), ICertificateRevoker
{
    public override IssuerCapabilities Capabilities => base.Capabilities with { RevokesBySerial = true };

    public async Task RevokeAsync(RevocationOrder order, CancellationToken cancellationToken)
    {
        await VerifyAsync(cancellationToken);
        var (serial, keyIdentifier) = Names(order.CertificateDer);
        var answer = await RevokeAsync(serial, keyIdentifier, order.Reason, cancellationToken);

        // Version 1.2.0 stores every certificate without its CA's key identifier and then does not find it by that.
        if (CfsslFault.IsUnknownCertificate(answer))
        {
            answer = await RevokeAsync(serial, "", order.Reason, cancellationToken);
        }

        if (answer.Result is null)
        {
            var message = $"cfssl {Name} did not revoke {serial}: {answer}";
            throw answer.Status switch
            {
                _ when CfsslFault.IsUnknownCertificate(answer) => new IssuerRefusedException(message),
                HttpStatusCode.NotFound => new IssuerMisconfiguredException(message),
                _ => new IssuerUnavailableException(message),
            };
        }
    }

    private Task<CfsslAnswer> RevokeAsync(
        string serial, string keyIdentifier, RevocationReason reason, CancellationToken cancellationToken) =>
        CfsslSetup.TellAsync(Client.PostAsync("revoke", new RevokeBody(serial, keyIdentifier, NameOf(reason)), cancellationToken));

    private static (string Serial, string KeyIdentifier) Names(ReadOnlyMemory<byte> der)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(der.Span);
            var serial = new BigInteger(certificate.SerialNumberBytes.Span, isUnsigned: true, isBigEndian: true);
            var authority = certificate.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().FirstOrDefault();
            return (
                serial.ToString(CultureInfo.InvariantCulture),
                Convert.ToHexStringLower(authority?.KeyIdentifier is { } identifier ? identifier.Span : []));
        }
        catch (CryptographicException unreadable)
        {
            throw new IssuerRefusedException("what is to be revoked is not a certificate", unreadable);
        }
    }

    // RFC 5280's names, as Go's cfssl spells them.
    private static string NameOf(RevocationReason reason) => reason switch
    {
        RevocationReason.KeyCompromise => "keyCompromise",
        RevocationReason.AffiliationChanged => "affiliationChanged",
        RevocationReason.Superseded => "superseded",
        RevocationReason.CessationOfOperation => "cessationOfOperation",
        _ => "unspecified",
    };
}
