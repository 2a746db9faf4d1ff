using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>The CAs that one issuer's certificates may come from, each with a path to a trusted root that is valid now.</summary>
/// <remarks>Immutable and thread-safe. Made once for a chain; verifying with it costs one signature.</remarks>
internal sealed class IssuerTrust
{
    // Two intermediates, overlapping while one is renewed, and their roots, with a cross-signed twin here or there.
    private const int CertificatesMax = 8;

    // Eight certificates that all sign each other have thousands of paths; no real chain has ten.
    private const int PathsMax = 64;

    private readonly List<Authority> authorities;
    private readonly X509Certificate2Collection roots;
    private readonly X509Certificate2Collection intermediates;

    private IssuerTrust(IReadOnlyList<IReadOnlyList<X509Certificate2>> paths, IReadOnlyList<X509Certificate2> anchors)
    {
        var used = paths.SelectMany(path => path).DistinctBy(certificate => certificate.Thumbprint).ToList();
        authorities = [.. used.Select(Authority.From)];
        roots = [.. paths.Select(path => path[^1]).Concat(anchors).DistinctBy(root => root.Thumbprint)];
        intermediates = [.. used.Except(roots)];
        ChainPem = string.Concat(intermediates.Concat(roots).Select(certificate => certificate.ExportCertificatePem() + "\n"));
        FirstToEnd = paths.Select(path => path.MinBy(certificate => certificate.NotAfter)!).MaxBy(certificate => certificate.NotAfter)!;
    }

    /// <summary>What a node is given to trust: issuing CA first, root last.</summary>
    public string ChainPem { get; }

    /// <summary>The CA by whose end nothing can be issued any more; of several issuing CAs, that of the last.</summary>
    public X509Certificate2 FirstToEnd { get; }

    /// <summary>
    /// Finds a way to a trusted root that is valid at an instant, the one that ends last. What is not on it is left out: an expired
    /// cross-signed certificate beside a valid path harms nobody.
    /// </summary>
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
            var given = chain.Select(X509CertificateLoader.LoadCertificate).DistinctBy(certificate => certificate.Thumbprint).ToList();
            var anchors = trustedRoots.Count > 0
                ? trustedRoots.Select(X509CertificateLoader.LoadCertificate).ToList()
                : given.FindAll(IsSelfIssued);
            if (anchors.Count == 0)
            {
                throw new IssuerMisconfiguredException("the issuer gives no root certificate and none is configured as TrustedRoots");
            }

            var first = BestPath(given[0], given, anchors, now) ?? throw new IssuerMisconfiguredException(WhyNot(given, anchors, now));
            var others = given.Where(other => IsFurtherIssuer(other, given)).Select(other => BestPath(other, given, anchors, now));

            // Configured roots are the operator's wish, such as the next one; of the chain's own, only what is needed.
            return new IssuerTrust(
                [first, .. others.OfType<IReadOnlyList<X509Certificate2>>()],
                trustedRoots.Count > 0 ? anchors.FindAll(root => ChainFault(root, [root], [], now) is null) : []);
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
        return authorities.Exists(authority => authority.Fields.Find(Oids.NameConstraints) is not null)
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

    /// <summary>The path that is valid and ends last, of a CA or of its cross-signed twins; null when there is none.</summary>
    private static IReadOnlyList<X509Certificate2>? BestPath(
        X509Certificate2 issuing, List<X509Certificate2> given, List<X509Certificate2> anchors, DateTimeOffset now) => given
        .Where(twin => IsAuthority(twin) && AreTwins(twin, issuing))
        .SelectMany(twin => Paths(twin, given, anchors))
        .Take(PathsMax)
        .OrderByDescending(path => path.Min(certificate => certificate.NotAfter))
        .FirstOrDefault(path => ChainFault(path[0], [path[^1]], [.. path], now) is null);

    // By name alone: whether one signed the other is for the platform's chain to say, which is built of one path's certificates.
    private static IEnumerable<IReadOnlyList<X509Certificate2>> Paths(
        X509Certificate2 from, List<X509Certificate2> given, List<X509Certificate2> anchors)
    {
        if (anchors.Exists(anchor => anchor.Equals(from)))
        {
            return [[from]];
        }

        var left = given.FindAll(other => !other.Equals(from));
        return anchors.Concat(left).DistinctBy(issuer => issuer.Thumbprint)
            .Where(issuer => IsIssuedBy(from, issuer))
            .SelectMany(issuer => Paths(issuer, left, anchors))
            .Select(path => (IReadOnlyList<X509Certificate2>)[from, .. path]);
    }

    // An issuing CA beside the first, such as the next one while it takes over: it has issued none of the others.
    private static bool IsFurtherIssuer(X509Certificate2 candidate, List<X509Certificate2> given) =>
        !IsSelfIssued(candidate)
        && given.Find(other => AreTwins(other, candidate))!.Equals(candidate)
        && !AreTwins(candidate, given[0])
        && !given.Exists(other => IsIssuedBy(other, candidate));

    private static bool AreTwins(X509Certificate2 one, X509Certificate2 other) =>
        one.SubjectName.RawData.AsSpan().SequenceEqual(other.SubjectName.RawData)
        && one.PublicKey.EncodedKeyValue.RawData.AsSpan().SequenceEqual(other.PublicKey.EncodedKeyValue.RawData);

    private static bool IsIssuedBy(X509Certificate2 certificate, X509Certificate2 issuer) =>
        certificate.IssuerName.RawData.AsSpan().SequenceEqual(issuer.SubjectName.RawData);

    private static bool IsSelfIssued(X509Certificate2 certificate) => IsIssuedBy(certificate, certificate);

    private static bool IsAuthority(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault() is { CertificateAuthority: true };

    private static string WhyNot(List<X509Certificate2> given, List<X509Certificate2> anchors, DateTimeOffset now) =>
        IsAuthority(given[0])
            ? $"'{given[0].Subject}' does not lead to a trusted root: {ChainFault(given[0], [.. anchors], [.. given], now)}"
            : $"'{given[0].Subject}' in the issuer's chain is not a CA";

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
