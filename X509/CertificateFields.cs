using System.Formats.Asn1;

namespace ControlPlane.X509;

/// <summary>
/// An X.509 certificate taken apart, not judged. Read without the platform's certificate type, which costs 0.3 ms to load.
/// </summary>
public sealed record CertificateFields(
    ReadOnlyMemory<byte> Der,
    ReadOnlyMemory<byte> Signed,
    ReadOnlyMemory<byte> SerialNumber,
    ReadOnlyMemory<byte> Issuer,
    ReadOnlyMemory<byte> Subject,
    DateTimeOffset NotBefore,
    DateTimeOffset NotAfter,
    ReadOnlyMemory<byte> PublicKeyInfo,
    IReadOnlyList<CertificateExtension> Extensions,
    string SignatureAlgorithm,
    byte[] Signature)
{
    private const int Version3 = 2;
    private static readonly Asn1Tag VersionTag = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag ExtensionsTag = new(TagClass.ContextSpecific, 3, isConstructed: true);

    /// <summary>Upper-case hexadecimal without leading zeros: how the ledger names certificates.</summary>
    public string SerialText => Convert.ToHexString(SerialNumber.Span).TrimStart('0');

    /// <summary>Reads one DER certificate to its last byte.</summary>
    /// <exception cref="AsnContentException">It is not one.</exception>
    public static CertificateFields Read(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var signed = certificate.PeekEncodedValue();
        var body = certificate.ReadSequence();
        var outerAlgorithm = certificate.ReadEncodedValue();
        var signature = certificate.ReadBitString(out _);
        certificate.ThrowIfNotEmpty();

        var version = body.ReadSequence(VersionTag);
        if (!version.TryReadInt32(out var number) || number != Version3)
        {
            throw new AsnContentException("the certificate is not of version 3");
        }

        var serial = body.ReadIntegerBytes();
        if (!body.ReadEncodedValue().Span.SequenceEqual(outerAlgorithm.Span))
        {
            throw new AsnContentException("the certificate names two signature algorithms");
        }

        var issuer = body.ReadEncodedValue();
        var (notBefore, notAfter) = ReadValidity(body.ReadSequence());
        var subject = body.ReadEncodedValue();
        var publicKeyInfo = body.ReadEncodedValue();
        var extensions = ReadExtensions(body);
        var algorithm = new AsnReader(outerAlgorithm, AsnEncodingRules.DER).ReadSequence().ReadObjectIdentifier();
        return new CertificateFields(
            der, signed, serial, issuer, subject, notBefore, notAfter, publicKeyInfo, extensions, algorithm, signature);
    }

    /// <summary>Reads one DER certificate; null when it is none.</summary>
    public static CertificateFields? ReadOrNull(ReadOnlyMemory<byte> der)
    {
        try
        {
            return Read(der);
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    /// <summary>The value of an extension; null when it has none of that kind.</summary>
    public CertificateExtension? Find(string oid)
    {
        foreach (var extension in Extensions)
        {
            if (extension.Oid == oid)
            {
                return extension;
            }
        }

        return null;
    }

    private static (DateTimeOffset NotBefore, DateTimeOffset NotAfter) ReadValidity(AsnReader validity)
    {
        var period = (ReadTime(validity), ReadTime(validity));
        validity.ThrowIfNotEmpty();
        return period;
    }

    private static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();

    private static IReadOnlyList<CertificateExtension> ReadExtensions(AsnReader body)
    {
        if (!body.HasData)
        {
            return [];
        }

        var wrapper = body.ReadSequence(ExtensionsTag);
        body.ThrowIfNotEmpty();
        return CertificateExtension.ReadAll(wrapper.ReadSequence());
    }
}
