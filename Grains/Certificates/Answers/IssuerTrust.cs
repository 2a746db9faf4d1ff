using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ControlPlane.Certificates;

/// <summary>The certificate authorities that one issuer's certificates may come from, proven to lead to a trusted root.</summary>
/// <remarks>Immutable and thread-safe. Made once for a chain; verifying with it costs one signature.</remarks>
internal sealed class IssuerTrust
{
    // Two intermediates, overlapping while one is renewed, and their roots; no chain that a node needs is longer.
    private const int CertificatesMax = 8;
    private const string NameConstraints = "2.5.29.30";

    private readonly List<Authority> authorities;
    private readonly X509Certificate2Collection roots;
    private readonly X509Certificate2Collection intermediates;

    private IssuerTrust(
        List<Authority> authorities, X509Certificate2Collection roots, X509Certificate2Collection intermediates, string chainPem)
    {
        this.authorities = authorities;
        this.roots = roots;
        this.intermediates = intermediates;
        ChainPem = chainPem;
    }

    /// <summary>What a node is given to trust: issuing CA first, root last.</summary>
    public string ChainPem { get; }

    /// <summary>Proves a chain at an instant.</summary>
    /// <param name="chain">What the issuer gave: issuing CA first; the root may be missing when it is trusted by configuration.</param>
    /// <param name="trustedRoots">The configured roots; when there are none, the chain's own root is believed.</param>
    /// <param name="now">The instant at which all of it must be valid.</param>
    /// <exception cref="IssuerMisconfiguredException">The chain leads nowhere.</exception>
    public static IssuerTrust Build(IReadOnlyList<byte[]> chain, IReadOnlyList<byte[]> trustedRoots, DateTimeOffset now)
    {
        if (chain.Count is 0 or > CertificatesMax)
        {
            throw new IssuerMisconfiguredException($"an issuer's chain has 1 to {CertificatesMax} certificates, this one {chain.Count}");
        }

        try
        {
            var given = chain.Select(X509CertificateLoader.LoadCertificate).ToList();
            X509Certificate2Collection roots = trustedRoots.Count > 0
                ? [.. trustedRoots.Select(X509CertificateLoader.LoadCertificate)]
                : [.. given.Where(IsSelfIssued)];
            if (roots.Count == 0)
            {
                throw new IssuerMisconfiguredException("the issuer gives no root certificate and none is configured as TrustedRoots");
            }

            X509Certificate2Collection intermediates = [.. given.Where(certificate => !IsSelfIssued(certificate))];
            foreach (var certificate in given)
            {
                RequireChain(certificate, roots, intermediates, now);
            }

            var authorities = given.Select(Authority.From).ToList();
            return new IssuerTrust(authorities, roots, intermediates, WriteChain(given, roots));
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or AsnContentException)
        {
            throw new IssuerMisconfiguredException("the issuer's chain holds something that is not a certificate", unreadable);
        }
    }

    /// <summary>Why the certificate does not come from here, or null.</summary>
    public string? Fault(CertificateFields certificate, DateTimeOffset now)
    {
        var signer = authorities.Find(authority => authority.Signed(certificate));
        if (signer is null)
        {
            return "is not signed by the issuing CA";
        }

        if (certificate.NotAfter > signer.Fields.NotAfter)
        {
            return $"outlives its issuer, which ends {signer.Fields.NotAfter:u}";
        }

        // Only the platform's chain knows all forms of name constraints; few CAs have them, so that few pay for it.
        return authorities.Exists(authority => authority.Fields.Find(NameConstraints) is not null)
            ? ChainFault(certificate.Der, now)
            : null;
    }

    /// <summary>The end of the CA that signs now: no certificate may be ordered past it.</summary>
    public DateTimeOffset IssuerNotAfter => authorities[0].Fields.NotAfter;

    private string? ChainFault(ReadOnlyMemory<byte> der, DateTimeOffset now)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(der.Span);
        return ChainFault(certificate, roots, intermediates, now) is { } fault ? $"does not chain to the trusted root: {fault}" : null;
    }

    private static void RequireChain(
        X509Certificate2 certificate, X509Certificate2Collection roots, X509Certificate2Collection intermediates, DateTimeOffset now)
    {
        var constraints = certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault();
        if (constraints is not { CertificateAuthority: true })
        {
            throw new IssuerMisconfiguredException($"'{certificate.Subject}' in the issuer's chain is not a CA");
        }

        if (ChainFault(certificate, roots, intermediates, now) is { } fault)
        {
            throw new IssuerMisconfiguredException($"'{certificate.Subject}' does not lead to a trusted root: {fault}");
        }
    }

    private static string? ChainFault(
        X509Certificate2 certificate, X509Certificate2Collection roots, X509Certificate2Collection intermediates, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.ExtraStore.AddRange(intermediates);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        return chain.Build(certificate) ? null : string.Join(" and ", chain.ChainStatus.Select(status => status.Status).Distinct());
    }

    private static bool IsSelfIssued(X509Certificate2 certificate) =>
        certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    private static string WriteChain(List<X509Certificate2> given, X509Certificate2Collection roots)
    {
        var pem = new StringBuilder();
        foreach (var certificate in given.Where(c => !IsSelfIssued(c)).Concat(roots).DistinctBy(c => c.Thumbprint))
        {
            pem.Append(certificate.ExportCertificatePem()).Append('\n');
        }

        return pem.ToString();
    }

    /// <summary>One CA: what it is called and what verifies its signatures.</summary>
    private sealed record Authority(CertificateFields Fields, VerifyingKey Key)
    {
        public static Authority From(X509Certificate2 certificate)
        {
            var fields = CertificateFields.Read(certificate.RawData);
            return new Authority(fields, new VerifyingKey(PublicKeyReader.Read(fields.PublicKeyInfo)));
        }

        public bool Signed(CertificateFields certificate) =>
            certificate.Issuer.Span.SequenceEqual(Fields.Subject.Span)
            && ProofOfPossession.DigestOf(certificate.SignatureAlgorithm, Key.Parts) is { } digest
            && Key.Verifies(digest, certificate.Signed.Span, certificate.Signature);
    }
}
