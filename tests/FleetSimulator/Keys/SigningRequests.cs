using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.FleetSimulator.Keys;

/// <summary>The name that a signing request asks for; empty parts are left out.</summary>
internal sealed record SigningSubject(string CommonName, string Country, string Organization, string OrganizationalUnit, string Locality);

/// <summary>What <c>gencsr</c> answers about a key.</summary>
internal sealed record SigningRequestMade(string RequestPem, string PublicKeyPem);

/// <summary>Signing requests as the agent makes them: a subject, no extensions, RSA with SHA-256; or hostile ones.</summary>
internal static class SigningRequests
{
    private const string ForeignName = "victim.example.net";
    private const string RsaWithSha256 = "1.2.840.113549.1.1.11";
    private static readonly Asn1Tag Attributes = new(TagClass.ContextSpecific, 0, isConstructed: true);

    public static SigningRequestMade Make(NodeKey key, SigningSubject subject, SimulatedFault fault)
    {
        var asked = fault == SimulatedFault.OtherCommonName ? subject with { CommonName = ForeignName } : subject;
        var name = DistinguishedName(asked);
        var der = fault is SimulatedFault.AuthorityRequest or SimulatedFault.ForeignAlternativeName
            ? Extended(key, name, subject, fault)
            : Plain(key, name);
        if (fault == SimulatedFault.UnprovenKey)
        {
            // The last byte belongs to the signature.
            der[^1] ^= 0xff;
        }

        // PKCS#1 under the label of SubjectPublicKeyInfo, as the agent sends it.
        return new SigningRequestMade(Pem("CERTIFICATE REQUEST", der), Pem("PUBLIC KEY", key.PublicKey));
    }

    // By hand, because .NET's builder takes twice the time of the signature itself, and there are thousands of these a minute.
    private static byte[] Plain(NodeKey key, X500DistinguishedName name)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(0);
            writer.WriteEncodedValue(name.RawData);
            writer.WriteEncodedValue(key.PublicKeyInfo);
            using (writer.PushSetOf(Attributes))
            {
            }
        }

        var signed = writer.Encode();
        writer.Reset();
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(signed);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(RsaWithSha256);
                writer.WriteNull();
            }

            writer.WriteBitString(key.Sign(signed));
        }

        return writer.Encode();
    }

    private static byte[] Extended(NodeKey key, X500DistinguishedName name, SigningSubject subject, SimulatedFault fault) => key.With(rsa =>
    {
        var request = new CertificateRequest(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        if (fault == SimulatedFault.AuthorityRequest)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            return request.CreateSigningRequest();
        }

        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(subject.CommonName);
        names.AddDnsName(ForeignName);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSigningRequest();
    });

    private static X500DistinguishedName DistinguishedName(SigningSubject subject)
    {
        // The order is Go's.
        var name = new X500DistinguishedNameBuilder();
        Add(name, "2.5.4.6", subject.Country);
        Add(name, "2.5.4.10", subject.Organization);
        Add(name, "2.5.4.11", subject.OrganizationalUnit);
        Add(name, "2.5.4.7", subject.Locality);
        Add(name, "2.5.4.3", subject.CommonName);
        return name.Build();
    }

    private static void Add(X500DistinguishedNameBuilder name, string oid, string value)
    {
        if (value.Length > 0)
        {
            name.Add(oid, value, IsPrintable(value) ? UniversalTagNumber.PrintableString : UniversalTagNumber.UTF8String);
        }
    }

    private static bool IsPrintable(string value) =>
        value.All(character => char.IsAsciiLetterOrDigit(character) || " '()+,-./:=?".Contains(character, StringComparison.Ordinal));

    // Go ends a PEM with a line feed, .NET does not.
    private static string Pem(string label, byte[] der) => $"{PemEncoding.WriteString(label, der)}\n";
}
