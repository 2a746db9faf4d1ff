using System.Formats.Asn1;
using System.Security.Cryptography;
using ControlPlane.Nodes;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>Decides whether a certificate may be ordered for what a node sent. Pure; never throws; under 20 ms for any input.</summary>
/// <remarks>
/// A request is believed in nothing but the key that its sender has proven to hold: subject, names and usages come from the verified
/// identity and the profile. It is refused all the same when it asks for something else, since an honest agent never does.
/// </remarks>
internal static class SigningRequestCheck
{
    /// <summary>Judges a PEM signing request of a verified identity.</summary>
    /// <param name="pem">The request.</param>
    /// <param name="identity">The identity that was verified.</param>
    /// <param name="overlay">The overlay that the node joins; templates of subjects name it.</param>
    /// <param name="profile">What would be ordered.</param>
    public static SigningRequestVerdict Judge(string? pem, string identity, string overlay, CertificateProfile profile)
    {
        if (IdentityRules.Fault(identity) is { } wrongIdentity)
        {
            return wrongIdentity;
        }

        if (!SigningRequestReader.TryRead(pem, out var parts, out var malformed))
        {
            return Refuse(Refusal.RequestMalformed, malformed!);
        }

        return SubjectFault(parts!.Subject, CertificateOrderBuilder.SubjectOf(identity, overlay, profile))
            ?? ExtensionFault(parts, identity, profile)
            ?? KeyFault(parts, profile)
            ?? (SigningRequestVerdict)new SigningRequestVerdict.Accepted(new SigningRequest(
                identity,
                parts.Der,
                parts.PublicKeyInfo,
                Convert.ToHexStringLower(SHA256.HashData(parts.PublicKeyInfo.Span)),
                Convert.ToHexStringLower(SHA256.HashData(parts.Der.Span))));
    }

    private static SigningRequestVerdict.Refused? SubjectFault(IReadOnlyList<NameEntry> subject, CertificateSubject ordered)
    {
        var names = subject.Where(attribute => attribute.Oid == Oids.CommonName).ToList();
        if (names.Count != 1)
        {
            return Refuse(Refusal.IdentityMismatch, $"the signing request has {names.Count} common names");
        }

        if (names[0].Value != ordered.CommonName)
        {
            return Refuse(Refusal.IdentityMismatch, $"the signing request names '{Printable(names[0].Value)}'");
        }

        // Some CAs fill what an order leaves empty from the request (cfssl), or take the subject from there whole (a helper, Vault's
        // sign-verbatim): what a node must not say of itself may not be in its request.
        var left = ordered.ToAttributes().ToList();
        return subject.FirstOrDefault(attribute => !left.Remove(attribute)) is { } foreign
            ? Refuse(
                Refusal.NamesUnexpected,
                $"the signing request asks for the subject attribute {foreign.Oid} '{Printable(foreign.Value)}', which was not ordered")
            : null;
    }

    private static SigningRequestVerdict.Refused? ExtensionFault(SigningRequestParts parts, string identity, CertificateProfile profile)
    {
        try
        {
            return parts.Extensions.Select(extension => ExtensionFault(extension, parts.PublicKey, identity, profile))
                .FirstOrDefault(fault => fault is not null);
        }
        catch (AsnContentException malformed)
        {
            return Refuse(Refusal.RequestMalformed, $"an extension that is asked for is malformed: {malformed.Message}");
        }
    }

    // Everything that a node may ask for stands here, and asking for it must come to what is ordered anyway: a CA that copies from
    // requests then makes no other certificate than one that does not.
    private static SigningRequestVerdict.Refused? ExtensionFault(
        CertificateExtension extension, PublicKeyParts key, string identity, CertificateProfile profile)
    {
        switch (extension.Oid)
        {
            case Oids.SubjectAlternativeName:
                var names = CertificateExtension.ReadNames(extension.Value);
                if (names.FirstOrDefault(name => name != identity) is { } other)
                {
                    return Refuse(Refusal.NamesUnexpected, $"the signing request asks for the name '{Printable(other)}'");
                }

                return names.Count == 1
                    ? null
                    : Refuse(Refusal.NamesUnexpected, $"the signing request asks for its own name {names.Count} times, not once");

            case Oids.BasicConstraints:
                return CertificateExtension.SaysCertificateAuthority(extension.Value)
                    ? Refuse(Refusal.ExtensionUnacceptable, "the signing request asks to be a CA")
                    : null;

            case Oids.KeyUsage:
                var usages = CertificateExtension.ReadKeyUsages(extension.Value);
                var needed = NodeUsages.NeededFor(key);
                return NodeUsages.Fit(usages, needed)
                    ? null
                    : Refuse(Refusal.ExtensionUnacceptable, $"the signing request asks for the key usages {usages} instead of {needed}");

            case Oids.ExtendedKeyUsage:
                return CertificateExtension.ReadPurposes(extension.Value).Order(StringComparer.Ordinal)
                    .SequenceEqual(NodeUsages.PurposesOf(profile).Order(StringComparer.Ordinal))
                    ? null
                    : Refuse(Refusal.ExtensionUnacceptable, "the signing request asks for other purposes than the profile's");

            case Oids.SubjectKeyIdentifier when !extension.Critical:
                CertificateExtension.RequireKeyIdentifier(extension.Value);
                return null;

            default:
                return Refuse(
                    Refusal.ExtensionUnacceptable,
                    $"the signing request asks for the extension {extension.Oid}, which no node's certificate has");
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
