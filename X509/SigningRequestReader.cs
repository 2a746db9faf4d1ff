using System.Formats.Asn1;
using System.Security.Cryptography;

namespace ControlPlane.X509;

/// <summary>A PKCS#10 request taken apart, not judged.</summary>
public sealed record SigningRequestParts(
    ReadOnlyMemory<byte> Der,
    ReadOnlyMemory<byte> Signed,
    IReadOnlyList<NameEntry> Subject,
    ReadOnlyMemory<byte> PublicKeyInfo,
    PublicKeyParts PublicKey,
    IReadOnlyList<CertificateExtension> Extensions,
    string SignatureAlgorithm,
    byte[] Signature);

/// <summary>Reads a PEM signing request: one block, nothing around it, DER to the last byte.</summary>
public static class SigningRequestReader
{
    // A request for an RSA-8192 key has 3 kB; what is larger is not worth reading.
    private const int PemLengthMax = 64 * 1024;
    private const int AttributesMax = 16;
    private const string Label = "CERTIFICATE REQUEST";

    // How Netscape and Microsoft labelled it first (RFC 7468, 7); Java's keytool still does.
    private const string OldLabel = "NEW CERTIFICATE REQUEST";

    /// <summary>Takes the request apart, or says what is wrong with it. Never throws.</summary>
    public static bool TryRead(string? pem, out SigningRequestParts? parts, out string? fault)
    {
        parts = null;
        fault = TryDecode(pem, out var der);
        if (fault is not null)
        {
            return false;
        }

        try
        {
            parts = Read(der);
            return true;
        }
        catch (AsnContentException malformed)
        {
            fault = $"the signing request is not a well-formed PKCS#10: {malformed.Message}";
            return false;
        }
    }

    /// <summary>The subject of a request that was read before.</summary>
    /// <exception cref="AsnContentException">It is no request.</exception>
    public static IReadOnlyList<NameEntry> ReadSubject(ReadOnlyMemory<byte> der)
    {
        var body = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        body.ReadInteger();
        return NameEntry.ReadAll(body.ReadEncodedValue());
    }

    private static string? TryDecode(string? pem, out byte[] der)
    {
        der = [];
        if (pem is null || pem.Length > PemLengthMax)
        {
            return $"a signing request has at most {PemLengthMax} characters";
        }

#pragma warning disable RS0030 // One block and nothing around it, which is looked at below: nothing can be skipped.
        if (!PemEncoding.TryFind(pem, out var fields) || pem[fields.Label] is not (Label or OldLabel))
        {
            return $"there is no PEM block labelled '{Label}'";
        }
#pragma warning restore RS0030

        var around = string.Concat(pem.AsSpan(0, fields.Location.Start.Value), pem.AsSpan(fields.Location.End.Value));
        if (!string.IsNullOrWhiteSpace(around))
        {
            return "there is something besides the one PEM block";
        }

        der = new byte[fields.DecodedDataLength];
        return Convert.TryFromBase64String(pem[fields.Base64Data], der, out var written) && written == der.Length
            ? null
            : "the PEM block is not Base64";
    }

    /// <summary>Takes a request apart that was decoded.</summary>
    /// <exception cref="AsnContentException">It is not one, to its last byte.</exception>
    public static SigningRequestParts Read(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var request = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var signed = request.PeekEncodedValue();
        var body = request.ReadSequence();
        var signatureAlgorithm = ReadAlgorithm(request);
        var signature = request.ReadBitString(out var unusedBits);
        request.ThrowIfNotEmpty();
        if (unusedBits != 0 || !body.TryReadInt32(out var version) || version != 0)
        {
            throw new AsnContentException("it is of another version, or its signature does not end at a byte");
        }

        var subject = NameEntry.ReadAll(body.ReadEncodedValue());
        var publicKeyInfo = body.ReadEncodedValue();
        var extensions = ReadExtensions(body);
        return new SigningRequestParts(
            der, signed, subject, publicKeyInfo, PublicKeyReader.Read(publicKeyInfo), extensions, signatureAlgorithm, signature);
    }

    private static string ReadAlgorithm(AsnReader request)
    {
        var algorithm = request.ReadSequence();
        return algorithm.ReadObjectIdentifier();
    }

    private static IReadOnlyList<CertificateExtension> ReadExtensions(AsnReader body)
    {
        IReadOnlyList<CertificateExtension> extensions = [];
        if (!body.HasData)
        {
            return extensions;
        }

        var attributes = body.ReadSetOf(new Asn1Tag(TagClass.ContextSpecific, 0));
        body.ThrowIfNotEmpty();
        for (var count = 0; attributes.HasData; count++)
        {
            var attribute = attributes.ReadSequence();
            var oid = attribute.ReadObjectIdentifier();
            if (count == AttributesMax)
            {
                throw new AsnContentException("it has too many attributes");
            }

            if (oid is Oids.ExtensionRequest or Oids.MicrosoftExtensionRequest)
            {
                if (extensions.Count > 0)
                {
                    throw new AsnContentException("it asks for extensions twice");
                }

                var values = attribute.ReadSetOf();
                extensions = CertificateExtension.ReadAll(values.ReadSequence());
                values.ThrowIfNotEmpty();
                attribute.ThrowIfNotEmpty();
            }
        }

        return extensions;
    }
}
