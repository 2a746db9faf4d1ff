using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>Makes what the vault's key is to sign, and joins the signature to it.</summary>
internal static class LeafBody
{
    private const int SerialBytes = 16;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>The part of the certificate that is signed, DER.</summary>
    public static byte[] Build(CertificateOrder order, KeyVaultAuthority authority)
    {
        var key = PublicKey.CreateFromSubjectPublicKeyInfo(order.PublicKeyInfoDer.Span, out _);
        var request = new CertificateRequest(Name(order.Subject), key, authority.Digest, RSASignaturePadding.Pkcs1);
        AddExtensions(request, order, authority.Certificate);
        var capture = new BodyCapture(authority.AlgorithmIdentifier, authority.Certificate.PublicKey);
        var end = new DateTimeOffset(authority.Certificate.NotAfter.ToUniversalTime());
        var notAfter = order.NotAfter < end ? order.NotAfter : end;
        using var draft = request.Create(authority.Certificate.SubjectName, capture, order.NotBefore, notAfter, Serial());
        return capture.Body;
    }

    /// <summary><c>SEQUENCE { body, algorithm, signature }</c>: the certificate, DER.</summary>
    /// <param name="body">What was signed.</param>
    /// <param name="signature">As the vault gives it.</param>
    /// <param name="authority">Who signed.</param>
    public static byte[] Join(byte[] body, byte[] signature, KeyVaultAuthority authority)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER, body.Length + signature.Length + 64);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(body);
            writer.WriteEncodedValue(authority.AlgorithmIdentifier);
            writer.WriteBitString(authority.IsElliptic ? Sequence(signature) : signature);
        }

        return writer.Encode();
    }

    // Key Vault gives r and s side by side, each as wide as the curve; X.509 wants a SEQUENCE of two INTEGERs.
    private static byte[] Sequence(ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(Trim(signature[..(signature.Length / 2)]));
            writer.WriteIntegerUnsigned(Trim(signature[(signature.Length / 2)..]));
        }

        return writer.Encode();
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> number)
    {
        var start = number.IndexOfAnyExcept((byte)0);
        return start < 0 ? [0] : number[start..];
    }

    private static X500DistinguishedName Name(CertificateSubject subject)
    {
        var name = new X500DistinguishedNameBuilder();
        void Add(string? value, Action<string> add)
        {
            if (!string.IsNullOrEmpty(value))
            {
                add(value);
            }
        }

        Add(subject.CommonName, value => name.AddCommonName(value));
        Add(subject.OrganizationalUnit, value => name.AddOrganizationalUnitName(value));
        Add(subject.Organization, value => name.AddOrganizationName(value));
        Add(subject.Locality, value => name.AddLocalityName(value));
        Add(subject.Country, name.AddCountryOrRegion);
        return name.Build();
    }

    private static void AddExtensions(CertificateRequest request, CertificateOrder order, X509Certificate2 authority)
    {
        var isRsa = request.PublicKey.Oid.Value == "1.2.840.113549.1.1.1";
        var purposes = new OidCollection { new Oid(ClientAuthentication) };
        if (order.Profile.ServerAuthentication)
        {
            purposes.Add(new Oid(ServerAuthentication));
        }

        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in order.DnsNames)
        {
            names.AddDnsName(name);
        }

        foreach (var uri in order.Uris)
        {
            names.AddUri(new Uri(uri));
        }

        var usages = isRsa ? X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment : X509KeyUsageFlags.DigitalSignature;
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity(critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(usages, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(purposes, critical: false));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(
            new X509SubjectKeyIdentifierExtension(request.PublicKey, X509SubjectKeyIdentifierHashAlgorithm.ShortSha256, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
    }

    // The two bits make it positive and always of the same length.
    private static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        return serial;
    }

    /// <summary>
    /// Takes the place of a key: keeps what it was given to sign. Signing in here would block a thread for the length of a call to the
    /// vault.
    /// </summary>
    private sealed class BodyCapture(byte[] algorithmIdentifier, PublicKey key) : X509SignatureGenerator
    {
        public byte[] Body { get; private set; } = [];

        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) => algorithmIdentifier;

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm)
        {
            Body = data;
            return [0];
        }

        protected override PublicKey BuildPublicKey() => key;
    }
}
