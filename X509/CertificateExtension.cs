using System.Formats.Asn1;

namespace ControlPlane.X509;

/// <param name="Oid">Which extension.</param>
/// <param name="Critical">Whether who does not know it must refuse.</param>
/// <param name="Value">The content of its OCTET STRING.</param>
public sealed record CertificateExtension(string Oid, bool Critical, ReadOnlyMemory<byte> Value)
{
    /// <summary>Real requests and certificates carry a dozen at most.</summary>
    private const int Max = 64;

    /// <summary>Reads the content of a SEQUENCE OF Extension; a second one of the same kind is malformed.</summary>
    /// <exception cref="AsnContentException">It is not one.</exception>
    public static IReadOnlyList<CertificateExtension> ReadAll(AsnReader sequence)
    {
        var extensions = new List<CertificateExtension>();
        while (sequence.HasData)
        {
            var item = sequence.ReadSequence();
            var oid = item.ReadObjectIdentifier();
            var critical = item.HasData && item.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && item.ReadBoolean();
            var value = item.ReadOctetString();
            item.ThrowIfNotEmpty();
            if (extensions.Count == Max || extensions.Exists(known => known.Oid == oid))
            {
                throw new AsnContentException("an extension appears twice, or there are too many");
            }

            extensions.Add(new CertificateExtension(oid, critical, value));
        }

        return extensions;
    }

    /// <summary>Whether a BasicConstraints value says CA.</summary>
    /// <exception cref="AsnContentException">It is not one, to its last byte.</exception>
    public static bool SaysCertificateAuthority(ReadOnlyMemory<byte> basicConstraints)
    {
        var content = ReadWholeSequence(basicConstraints);
        var authority = content.HasData && content.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && content.ReadBoolean();
        if (authority && content.HasData)
        {
            content.ReadInteger();
        }

        content.ThrowIfNotEmpty();
        return authority;
    }

    /// <summary>The bits of a KeyUsage value.</summary>
    /// <exception cref="AsnContentException">It is not one, to its last byte.</exception>
    public static KeyUsages ReadKeyUsages(ReadOnlyMemory<byte> keyUsage)
    {
        var outer = new AsnReader(keyUsage, AsnEncodingRules.DER);
        var usages = outer.ReadNamedBitListValue<KeyUsages>();
        outer.ThrowIfNotEmpty();
        return usages;
    }

    /// <summary>The purposes of an ExtendedKeyUsage value.</summary>
    /// <exception cref="AsnContentException">It is not one, to its last byte.</exception>
    public static IReadOnlyList<string> ReadPurposes(ReadOnlyMemory<byte> extendedKeyUsage)
    {
        var purposes = new List<string>();
        var content = ReadWholeSequence(extendedKeyUsage);
        while (content.HasData)
        {
            purposes.Add(content.ReadObjectIdentifier());
        }

        return purposes;
    }

    /// <summary>Holds a SubjectKeyIdentifier value to its form; what it says nobody asks.</summary>
    /// <exception cref="AsnContentException">It is not one, to its last byte.</exception>
    public static void RequireKeyIdentifier(ReadOnlyMemory<byte> subjectKeyIdentifier)
    {
        var outer = new AsnReader(subjectKeyIdentifier, AsnEncodingRules.DER);
        outer.ReadOctetString();
        outer.ThrowIfNotEmpty();
    }

    /// <summary>The names of a SubjectAlternativeName value: DNS names, URIs as <c>uri:…</c>, and of others <c>[tag]</c>.</summary>
    public static IReadOnlyList<string> ReadNames(ReadOnlyMemory<byte> subjectAlternativeName)
    {
        const int dnsNameTag = 2;
        const int uriTag = 6;
        var names = new List<string>();
        var content = ReadWholeSequence(subjectAlternativeName);
        while (content.HasData)
        {
            var tag = content.PeekTag();
            if (tag.TagClass != TagClass.ContextSpecific)
            {
                throw new AsnContentException("a general name has no tag of its own");
            }

            if (tag.TagValue == dnsNameTag)
            {
                names.Add(content.ReadCharacterString(UniversalTagNumber.IA5String, tag));
            }
            else if (tag.TagValue == uriTag)
            {
                names.Add($"uri:{content.ReadCharacterString(UniversalTagNumber.IA5String, tag)}");
            }
            else
            {
                names.Add($"[{tag.TagValue}]");
                content.ReadEncodedValue();
            }
        }

        return names;
    }

    // What follows a value within its extension is read by one party and passed over by the next.
    private static AsnReader ReadWholeSequence(ReadOnlyMemory<byte> value)
    {
        var outer = new AsnReader(value, AsnEncodingRules.DER);
        var content = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        return content;
    }
}

/// <summary>RFC 5280's KeyUsage; the order of the bits is that of its named bit list.</summary>
[Flags]
public enum KeyUsages
{
    None = 0,
    DigitalSignature = 1 << 0,
    NonRepudiation = 1 << 1,
    KeyEncipherment = 1 << 2,
    DataEncipherment = 1 << 3,
    KeyAgreement = 1 << 4,
    KeyCertSign = 1 << 5,
    CrlSign = 1 << 6,
    EncipherOnly = 1 << 7,
    DecipherOnly = 1 << 8,
}
