using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>
/// Writes node certificates. By hand, since the platform's builder loads each result again, which costs more than signing by P-256.
/// </summary>
internal static class LeafWriter
{
    private const int SerialBytes = 16;
    private const int BodyCapacity = 2048;

    private static readonly Asn1Tag VersionTag = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag ExtensionsTag = new(TagClass.ContextSpecific, 3);
    private static readonly Asn1Tag DnsNameTag = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);
    private static readonly Asn1Tag KeyIdentifierTag = new(TagClass.ContextSpecific, 0);
    private static readonly DateTimeOffset GeneralizedTimeFrom = new(2050, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Signs an order; the same order by the same authority gets the same serial number and content.</summary>
    public static byte[] Sign(CertificateOrder order, Authority authority, Uri? revocationListUrl)
    {
        var notAfter = order.NotAfter < authority.NotAfter ? order.NotAfter : authority.NotAfter;
        var writer = new AsnWriter(AsnEncodingRules.DER, BodyCapacity);
        using (writer.PushSequence())
        {
            using (writer.PushSequence(VersionTag))
            {
                writer.WriteInteger(2);
            }

            writer.WriteIntegerUnsigned(SerialOf(order, authority));
            writer.WriteEncodedValue(authority.Key.Algorithm);
            writer.WriteEncodedValue(authority.Name);
            using (writer.PushSequence())
            {
                WriteTime(writer, order.NotBefore);
                WriteTime(writer, notAfter);
            }

            WriteSubject(writer, order.Subject);
            writer.WriteEncodedValue(order.PublicKeyInfoDer.Span);
            using (writer.PushSequence(ExtensionsTag))
            using (writer.PushSequence())
            {
                WriteExtensions(writer, order, authority, revocationListUrl);
            }
        }

        return authority.Key.SignBody(writer.Encode());
    }

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

    public static void WriteAuthorityKeyIdentifier(AsnWriter writer, Authority authority) =>
        WriteExtension(writer, Oids.AuthorityKeyIdentifier, critical: false, value =>
        {
            using (value.PushSequence())
            {
                value.WriteOctetString(authority.KeyIdentifier, KeyIdentifierTag);
            }
        });

    // A keyed digest of the order's name and key: as unguessable as a random number to anyone without the CA's key, and the same again
    // when an order is repeated after a crash, on whichever silo. The two bits make it positive and always of the same length.
    private static byte[] SerialOf(CertificateOrder order, Authority authority)
    {
        using var digest = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, authority.Key.SerialKey);
        digest.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(order.OrderId)));
        digest.AppendData(order.PublicKeyInfoDer.Span);
        var serial = digest.GetHashAndReset().AsSpan(0, SerialBytes).ToArray();
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        return serial;
    }

    private static void WriteSubject(AsnWriter writer, CertificateSubject subject)
    {
        using (writer.PushSequence())
        {
            WriteAttribute(writer, Oids.Country, subject.Country, UniversalTagNumber.PrintableString);
            WriteAttribute(writer, Oids.Organization, subject.Organization, UniversalTagNumber.UTF8String);
            WriteAttribute(writer, Oids.OrganizationalUnit, subject.OrganizationalUnit, UniversalTagNumber.UTF8String);
            WriteAttribute(writer, Oids.Locality, subject.Locality, UniversalTagNumber.UTF8String);
            WriteAttribute(writer, Oids.CommonName, subject.CommonName, UniversalTagNumber.UTF8String);
        }
    }

    private static void WriteAttribute(AsnWriter writer, string oid, string? value, UniversalTagNumber encoding)
    {
        if (string.IsNullOrEmpty(value))
        {
            return;
        }

        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            writer.WriteCharacterString(encoding, value);
        }
    }

    private static void WriteExtensions(AsnWriter writer, CertificateOrder order, Authority authority, Uri? revocationListUrl)
    {
        WriteExtension(writer, Oids.BasicConstraints, critical: true, value =>
        {
            using (value.PushSequence())
            {
            }
        });
        WriteExtension(writer, Oids.KeyUsage, critical: true, value => WriteKeyUsage(value, order));
        WriteExtension(writer, Oids.ExtendedKeyUsage, critical: false, value =>
        {
            using (value.PushSequence())
            {
                if (order.Profile.ServerAuthentication)
                {
                    value.WriteObjectIdentifier(Oids.ServerAuthentication);
                }

                value.WriteObjectIdentifier(Oids.ClientAuthentication);
            }
        });
        WriteExtension(writer, Oids.SubjectAlternativeName, critical: false, value =>
        {
            using (value.PushSequence())
            {
                foreach (var name in order.DnsNames)
                {
                    value.WriteCharacterString(UniversalTagNumber.IA5String, name, DnsNameTag);
                }

                foreach (var uri in order.Uris)
                {
                    value.WriteCharacterString(UniversalTagNumber.IA5String, uri, UriTag);
                }
            }
        });
        WriteExtension(writer, Oids.SubjectKeyIdentifier, critical: false, value =>
            value.WriteOctetString(SHA256.HashData(order.PublicKeyInfoDer.Span).AsSpan(0, 20)));
        WriteAuthorityKeyIdentifier(writer, authority);
        if (revocationListUrl is not null)
        {
            WriteDistributionPoint(writer, revocationListUrl);
        }
    }

    // digitalSignature is bit 0 and keyEncipherment, for keys that can, bit 2; DER drops the bits after the last one that is set.
    private static void WriteKeyUsage(AsnWriter writer, CertificateOrder order)
    {
        if (IsRsa(order.PublicKeyInfoDer))
        {
            writer.WriteBitString([0b1010_0000], unusedBitCount: 5);
        }
        else
        {
            writer.WriteBitString([0b1000_0000], unusedBitCount: 7);
        }
    }

    private static bool IsRsa(ReadOnlyMemory<byte> publicKeyInfo) =>
        new AsnReader(publicKeyInfo, AsnEncodingRules.DER).ReadSequence().ReadSequence().ReadObjectIdentifier() == Oids.RsaEncryption;

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
