using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ControlPlane.X509;

/// <summary>What a node's certificate is to hold.</summary>
public sealed record CertificateDraft
{
    /// <summary>Big-endian.</summary>
    public required byte[] SerialNumber { get; init; }

    /// <summary>AlgorithmIdentifier of the signature, DER.</summary>
    public required byte[] Algorithm { get; init; }

    /// <summary>The signing CA's name, DER, as issued certificates must repeat it byte for byte.</summary>
    public required byte[] Issuer { get; init; }

    /// <summary>The signing CA's key identifier.</summary>
    public required byte[] AuthorityKeyIdentifier { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>In the order in which it is written.</summary>
    public required IReadOnlyList<NameEntry> Subject { get; init; }

    /// <summary>DER.</summary>
    public required ReadOnlyMemory<byte> PublicKeyInfo { get; init; }

    public required KeyUsages Usages { get; init; }

    public required IReadOnlyList<string> Purposes { get; init; }

    public required IReadOnlyList<string> DnsNames { get; init; }

    public IReadOnlyList<string> Uris { get; init; } = [];

    /// <summary>Where the CA publishes what it revoked; null for nowhere.</summary>
    public Uri? RevocationListUrl { get; init; }
}

/// <summary>
/// Writes node certificates. By hand, since the platform's builder loads each result again, which costs more than signing by P-256.
/// </summary>
public static class CertificateWriter
{
    private const int BodyCapacity = 2048;
    private const int KeyIdentifierBytes = 20;

    private static readonly Asn1Tag VersionTag = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag ExtensionsTag = new(TagClass.ContextSpecific, 3);
    private static readonly Asn1Tag DnsNameTag = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);
    private static readonly Asn1Tag KeyIdentifierTag = new(TagClass.ContextSpecific, 0);
    private static readonly DateTimeOffset GeneralizedTimeFrom = new(2050, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The part of the certificate that is signed, DER.</summary>
    public static byte[] Body(CertificateDraft draft)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER, BodyCapacity);
        using (writer.PushSequence())
        {
            using (writer.PushSequence(VersionTag))
            {
                writer.WriteInteger(2);
            }

            writer.WriteIntegerUnsigned(draft.SerialNumber);
            writer.WriteEncodedValue(draft.Algorithm);
            writer.WriteEncodedValue(draft.Issuer);
            using (writer.PushSequence())
            {
                WriteTime(writer, draft.NotBefore);
                WriteTime(writer, draft.NotAfter);
            }

            WriteSubject(writer, draft.Subject);
            writer.WriteEncodedValue(draft.PublicKeyInfo.Span);
            using (writer.PushSequence(ExtensionsTag))
            using (writer.PushSequence())
            {
                WriteExtensions(writer, draft);
            }
        }

        return writer.Encode();
    }

    /// <summary><c>SEQUENCE { body, algorithm, signature }</c>: what was signed, whole, DER.</summary>
    public static byte[] Join(ReadOnlySpan<byte> body, ReadOnlySpan<byte> algorithm, ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER, body.Length + algorithm.Length + signature.Length + 16);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(body);
            writer.WriteEncodedValue(algorithm);
            writer.WriteBitString(signature);
        }

        return writer.Encode();
    }

    /// <summary>By what a CA's certificates name its key.</summary>
    public static byte[] KeyIdentifierOf(X509Certificate2 authority) =>
        (authority.Extensions.OfType<X509SubjectKeyIdentifierExtension>().FirstOrDefault()
            ?? new X509SubjectKeyIdentifierExtension(authority.PublicKey, critical: false)).SubjectKeyIdentifierBytes.ToArray();

    /// <summary>UTCTime before 2050 and GeneralizedTime after, as RFC 5280 demands.</summary>
    public static void WriteTime(AsnWriter writer, DateTimeOffset time)
    {
        if (time < GeneralizedTimeFrom)
        {
            writer.WriteUtcTime(time);
        }
        else
        {
            writer.WriteGeneralizedTime(time, omitFractionalSeconds: true);
        }
    }

    public static void WriteExtension(AsnWriter writer, string oid, bool critical, Action<AsnWriter> writeValue)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            if (critical)
            {
                writer.WriteBoolean(true);
            }

            using (writer.PushOctetString())
            {
                writeValue(writer);
            }
        }
    }

    public static void WriteAuthorityKeyIdentifier(AsnWriter writer, byte[] keyIdentifier) =>
        WriteExtension(writer, Oids.AuthorityKeyIdentifier, critical: false, value =>
        {
            using (value.PushSequence())
            {
                value.WriteOctetString(keyIdentifier, KeyIdentifierTag);
            }
        });

    private static void WriteSubject(AsnWriter writer, IReadOnlyList<NameEntry> subject)
    {
        using (writer.PushSequence())
        {
            foreach (var (oid, value) in subject)
            {
                using (writer.PushSetOf())
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(oid);
                    writer.WriteCharacterString(
                        oid == Oids.Country ? UniversalTagNumber.PrintableString : UniversalTagNumber.UTF8String, value);
                }
            }
        }
    }

    private static void WriteExtensions(AsnWriter writer, CertificateDraft draft)
    {
        WriteExtension(writer, Oids.BasicConstraints, critical: true, value =>
        {
            using (value.PushSequence())
            {
            }
        });
        WriteExtension(writer, Oids.KeyUsage, critical: true, value => value.WriteNamedBitList(draft.Usages));
        WriteExtension(writer, Oids.ExtendedKeyUsage, critical: false, value =>
        {
            using (value.PushSequence())
            {
                foreach (var purpose in draft.Purposes)
                {
                    value.WriteObjectIdentifier(purpose);
                }
            }
        });
        WriteExtension(writer, Oids.SubjectAlternativeName, critical: false, value =>
        {
            using (value.PushSequence())
            {
                foreach (var name in draft.DnsNames)
                {
                    value.WriteCharacterString(UniversalTagNumber.IA5String, name, DnsNameTag);
                }

                foreach (var uri in draft.Uris)
                {
                    value.WriteCharacterString(UniversalTagNumber.IA5String, uri, UriTag);
                }
            }
        });
        WriteExtension(writer, Oids.SubjectKeyIdentifier, critical: false, value =>
            value.WriteOctetString(SHA256.HashData(draft.PublicKeyInfo.Span).AsSpan(0, KeyIdentifierBytes)));
        WriteAuthorityKeyIdentifier(writer, draft.AuthorityKeyIdentifier);
        if (draft.RevocationListUrl is { } url)
        {
            WriteDistributionPoint(writer, url);
        }
    }

    private static void WriteDistributionPoint(AsnWriter writer, Uri url) =>
        WriteExtension(writer, Oids.RevocationListDistributionPoints, critical: false, value =>
        {
            using (value.PushSequence())
            using (value.PushSequence())
            using (value.PushSequence(KeyIdentifierTag))
            using (value.PushSequence(KeyIdentifierTag))
            {
                value.WriteCharacterString(UniversalTagNumber.IA5String, url.AbsoluteUri, UriTag);
            }
        });
}
