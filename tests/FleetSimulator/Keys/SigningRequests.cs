using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.FleetSimulator.Keys;

/// <summary>The name that a signing request asks for; empty parts are left out.</summary>
internal sealed record SigningSubject(string CommonName, string Country, string Organization, string OrganizationalUnit, string Locality);

/// <summary>What <c>gencsr</c> answers about a key.</summary>
internal sealed record SigningRequestMade(string RequestPem, string PublicKeyPem, string PublicKeyFingerprint);

/// <summary>Signing requests as the agent makes them: a subject, no extensions, RSA with SHA-256; or hostile ones.</summary>
internal static class SigningRequests
{
    private const string ForeignName = "victim.example.net";

    public static SigningRequestMade Make(byte[] key, SigningSubject subject, NodeFault fault)
    {
        using var rsa = RSA.Create();
        rsa.ImportRSAPrivateKey(key, out _);
        var asked = fault == NodeFault.OtherCommonName ? subject with { CommonName = ForeignName } : subject;
        var request = new CertificateRequest(DistinguishedName(asked), rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        AddHostileExtensions(request, subject, fault);
        var der = request.CreateSigningRequest();
        if (fault == NodeFault.UnprovenKey)
        {
            // The last byte belongs to the signature.
            der[^1] ^= 0xff;
        }

        return new SigningRequestMade(
            Pem("CERTIFICATE REQUEST", der),
            // PKCS#1 under the label of SubjectPublicKeyInfo, as the agent sends it.
            Pem("PUBLIC KEY", rsa.ExportRSAPublicKey()),
            FingerprintOf(rsa));
    }

    public static string FingerprintOf(byte[] key)
    {
        using var rsa = RSA.Create();
        rsa.ImportRSAPrivateKey(key, out _);
        return FingerprintOf(rsa);
    }

    private static string FingerprintOf(RSA rsa) => Convert.ToHexStringLower(SHA256.HashData(rsa.ExportSubjectPublicKeyInfo()));

    private static void AddHostileExtensions(CertificateRequest request, SigningSubject subject, NodeFault fault)
    {
        if (fault == NodeFault.AuthorityRequest)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        }
        else if (fault == NodeFault.ForeignAlternativeName)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(subject.CommonName);
            names.AddDnsName(ForeignName);
            request.CertificateExtensions.Add(names.Build());
        }
    }

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
            var type = IsPrintable(value) ? System.Formats.Asn1.UniversalTagNumber.PrintableString : System.Formats.Asn1.UniversalTagNumber.UTF8String;
            name.Add(oid, value, type);
        }
    }

    private static bool IsPrintable(string value) =>
        value.All(character => char.IsAsciiLetterOrDigit(character) || " '()+,-./:=?".Contains(character, StringComparison.Ordinal));

    // Go ends a PEM with a line feed, .NET does not.
    private static string Pem(string label, byte[] der) =>
        $"{PemEncoding.WriteString(label, der)}\n";
}
