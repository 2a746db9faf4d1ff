using System.Formats.Asn1;
using System.Security.Cryptography;
using ControlPlane.Provisioning;

namespace ControlPlane.Certificates;

/// <summary>Decides whether a certificate may be ordered for what a node sent. Pure; never throws; under 20 ms for any input.</summary>
/// <remarks>
/// A request is believed in nothing but the key that its sender has proven to hold: subject, names and usages come from the verified
/// identity and the profile. It is refused all the same when it asks for something else, since an honest agent never does.
/// </remarks>
internal static class SigningRequestCheck
{
    private const KeyUsages AuthorityUsages = KeyUsages.KeyCertSign | KeyUsages.CrlSign;

    /// <summary>Judges a PEM signing request of a verified identity.</summary>
    public static SigningRequestVerdict Judge(string? pem, string identity, CertificateProfile profile)
    {
        if (IdentityRules.Fault(identity) is { } wrongIdentity)
        {
            return wrongIdentity;
        }

        if (!SigningRequestReader.TryRead(pem, out var parts, out var malformed))
        {
            return Refuse(Refusal.RequestMalformed, malformed!);
        }

        return SubjectFault(parts!.Subject, identity)
            ?? ExtensionFault(parts.Extensions, identity)
            ?? KeyFault(parts, profile)
            ?? (SigningRequestVerdict)new SigningRequestVerdict.Accepted(new SigningRequest(
                identity,
                parts.Der,
                parts.PublicKeyInfo,
                Convert.ToHexStringLower(SHA256.HashData(parts.PublicKeyInfo.Span)),
                Convert.ToHexStringLower(SHA256.HashData(parts.Der.Span))));
    }

    private static SigningRequestVerdict.Refused? SubjectFault(IReadOnlyList<NameAttribute> subject, string identity)
    {
        var names = subject.Where(attribute => attribute.Oid == CertificateOids.CommonName).ToList();
        if (names.Count != 1)
        {
            return Refuse(Refusal.IdentityMismatch, $"the signing request has {names.Count} common names");
        }

        return names[0].Value == identity
            ? null
            : Refuse(Refusal.IdentityMismatch, $"the signing request names '{Printable(names[0].Value)}'");
    }

    private static SigningRequestVerdict.Refused? ExtensionFault(IReadOnlyList<CertificateExtension> extensions, string identity)
    {
        try
        {
            return extensions.Select(extension => ExtensionFault(extension, identity)).FirstOrDefault(fault => fault is not null);
        }
        catch (AsnContentException malformed)
        {
            return Refuse(Refusal.RequestMalformed, $"an extension that is asked for is malformed: {malformed.Message}");
        }
    }

    private static SigningRequestVerdict.Refused? ExtensionFault(CertificateExtension extension, string identity)
    {
        switch (extension.Oid)
        {
            case CertificateOids.SubjectAlternativeName:
                var others = CertificateExtension.ReadNames(extension.Value).Where(name => name != identity).Take(1).ToList();
                return others.Count == 0
                    ? null
                    : Refuse(Refusal.NamesUnexpected, $"the signing request asks for the name '{Printable(others[0])}'");

            case CertificateOids.BasicConstraints:
                return CertificateExtension.SaysCertificateAuthority(extension.Value)
                    ? Refuse(Refusal.ExtensionUnacceptable, "the signing request asks to be a CA")
                    : null;

            case CertificateOids.KeyUsage:
                return (CertificateExtension.ReadKeyUsages(extension.Value) & AuthorityUsages) != 0
                    ? Refuse(Refusal.ExtensionUnacceptable, "the signing request asks to sign certificates or revocation lists")
                    : null;

            case CertificateOids.ExtendedKeyUsage or CertificateOids.SubjectKeyIdentifier:
                return null;

            default:
                return extension.Critical
                    ? Refuse(Refusal.ExtensionUnacceptable, $"the signing request has the unknown critical extension {extension.Oid}")
                    : null;
        }
    }

    private static SigningRequestVerdict.Refused? KeyFault(SigningRequestParts parts, CertificateProfile profile)
    {
        if (PublicKeyRules.Fault(parts.PublicKey, profile) is { } keyFault)
        {
            return Refuse(Refusal.KeyUnacceptable, keyFault);
        }

        if (ProofOfPossession.DigestOf(parts.SignatureAlgorithm, parts.PublicKey) is not { } digest)
        {
            return Refuse(
                Refusal.KeyUnacceptable,
                $"the signing request is signed by algorithm {parts.SignatureAlgorithm}; SHA-256 to SHA-512 of the key's own kind are taken");
        }

        return ProofOfPossession.Verifies(parts.PublicKey, digest, parts.Signed.Span, parts.Signature)
            ? null
            : Refuse(Refusal.RequestMalformed, "the signing request is not signed by its own key");
    }

    /// <summary>What a request holds is shown to operators: short, and without control characters or look-alikes.</summary>
    public static string Printable(string text) =>
        string.Concat(text.Take(IdentityRules.LengthMax).Select(c => char.IsBetween(c, ' ', '~') ? c : '?'));

    private static SigningRequestVerdict.Refused Refuse(Refusal refusal, string detail) => new(refusal, detail);
}
