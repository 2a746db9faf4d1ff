using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ControlPlane.TestKit;

/// <summary>What a fake CA is to sign.</summary>
public sealed record TestLeaf(X500DistinguishedName Subject, PublicKey Key, DateTimeOffset NotBefore, DateTimeOffset NotAfter)
{
    private const int SerialBytes = 20;

    public IReadOnlyList<string> DnsNames { get; init; } = [];

    public IReadOnlyList<string> Uris { get; init; } = [];

    public X509KeyUsageFlags Usages { get; init; } = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment;

    /// <summary>Object identifiers of the extended key usages; server and client by default.</summary>
    public IReadOnlyList<string> Purposes { get; init; } = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];

    public bool IsAuthority { get; init; }

    /// <summary>Signs it, DER.</summary>
    public byte[] Sign(TestAuthority authority)
    {
        var request = new CertificateRequest(Subject, Key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(IsAuthority, IsAuthority, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(Usages, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. Purposes.Select(oid => new Oid(oid))], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(Key, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority.Certificate, true, false));
        if (DnsNames.Count > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            foreach (var name in DnsNames)
            {
                names.AddDnsName(name);
            }

            foreach (var uri in Uris)
            {
                names.AddUri(new Uri(uri));
            }

            request.CertificateExtensions.Add(names.Build());
        }

        var serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] = (byte)((serial[0] & 0x3f) | 0x40);
        using var certificate = request.Create(authority.Certificate.SubjectName, authority.Signer(), NotBefore, NotAfter, serial);
        return certificate.RawData;
    }
}
