using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>Makes root and intermediate CA certificates.</summary>
internal static class AuthorityMaker
{
    private const int SerialBytes = 16;

    // The silos of an overlay and its nodes do not agree on the minute; a CA that begins in a node's future would fail it.
    private static readonly TimeSpan Backdate = TimeSpan.FromHours(1);

    public static X509Certificate2 MakeRoot(AsymmetricAlgorithm key, string name, LocalCaOptions options, DateTimeOffset now)
    {
        var request = MakeRequest(key, $"{name} root", options, pathLength: 1);
        var generator = GeneratorFor(key);
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(IdentifierOf(request)));
        return request.Create(request.SubjectName, generator, now - Backdate, now + options.RootLifetime, MakeSerial());
    }

    public static X509Certificate2 MakeIntermediate(
        AsymmetricAlgorithm key,
        string name,
        LocalCaOptions options,
        X509Certificate2 root,
        AsymmetricAlgorithm rootKey,
        DateTimeOffset now)
    {
        var request = MakeRequest(key, $"{name} intermediate", options, pathLength: 0);
        if (options.PermittedDomains.Count > 0)
        {
            request.CertificateExtensions.Add(
                new X509Extension(Oids.NameConstraints, WriteConstraints(options.PermittedDomains), critical: true));
        }

        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(root, true, false));
        var rootEnd = new DateTimeOffset(root.NotAfter.ToUniversalTime());
        var end = now + options.IntermediateLifetime < rootEnd ? now + options.IntermediateLifetime : rootEnd;
        return request.Create(root.SubjectName, GeneratorFor(rootKey), now - Backdate, end, MakeSerial());
    }

    private static CertificateRequest MakeRequest(AsymmetricAlgorithm key, string name, LocalCaOptions options, int pathLength)
    {
        var publicKey = key switch
        {
            RSA rsa => new PublicKey(rsa),
            ECDsa ecdsa => new PublicKey(ecdsa),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        var identifier = new X509SubjectKeyIdentifierExtension(
            publicKey, X509SubjectKeyIdentifierHashAlgorithm.ShortSha256, critical: false);

        // Two CAs of one name would be taken for each other where chains are built by name.
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName($"{name} {identifier.SubjectKeyIdentifier![..8]}");
        subject.AddOrganizationName(options.Organization);
        var request = new CertificateRequest(subject.Build(), publicKey, DigestFor(key), RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority(pathLength));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(identifier);
        return request;
    }

    private static X509SignatureGenerator GeneratorFor(AsymmetricAlgorithm key) => key switch
    {
        RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1),
        ECDsa ecdsa => X509SignatureGenerator.CreateForECDsa(ecdsa),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static HashAlgorithmName DigestFor(AsymmetricAlgorithm key) =>
        key is RSA { KeySize: > 3072 } or ECDsa { KeySize: > 256 } ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256;

    private static byte[] IdentifierOf(CertificateRequest request) =>
        request.CertificateExtensions.OfType<X509SubjectKeyIdentifierExtension>().Single().SubjectKeyIdentifierBytes.ToArray();

    private static byte[] WriteConstraints(List<string> domains)
    {
        var permitted = new Asn1Tag(TagClass.ContextSpecific, 0);
        var dnsName = new Asn1Tag(TagClass.ContextSpecific, 2);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(permitted))
        {
            foreach (var domain in domains)
            {
                using (writer.PushSequence())
                {
                    writer.WriteCharacterString(UniversalTagNumber.IA5String, domain, dnsName);
                }
            }
        }

        return writer.Encode();
    }

    private static byte[] MakeSerial()
    {
        var serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        return serial;
    }
}
