using System.Formats.Asn1;
using System.Numerics;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>Writes revocation lists into one buffer of the right size; the platform's builder needs seconds for 60 000 entries.</summary>
internal static class RevocationListWriter
{
    private const int EntryBytes = 64;
    private const int FixedBytes = 1024;
    private static readonly Asn1Tag ExtensionsTag = new(TagClass.ContextSpecific, 0);

    /// <summary>The list of one CA certificate, DER. Entries that have expired are left out, as RFC 5280 allows.</summary>
    public static byte[] Sign(
        Authority authority, IReadOnlyList<RevokedCertificate> all, BigInteger number, DateTimeOffset now, TimeSpan lifetime)
    {
        var identifier = Convert.ToHexString(authority.KeyIdentifier);
        var entries = all.Where(one => one.AuthorityKeyIdentifier == identifier && one.NotAfter > now).ToList();
        var writer = new AsnWriter(AsnEncodingRules.DER, (entries.Count * EntryBytes) + FixedBytes);
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            writer.WriteEncodedValue(authority.Key.Algorithm);
            writer.WriteEncodedValue(authority.Name);
            CertificateWriter.WriteTime(writer, now);
            CertificateWriter.WriteTime(writer, now + lifetime);
            if (entries.Count > 0)
            {
                using (writer.PushSequence())
                {
                    entries.ForEach(entry => WriteEntry(writer, entry));
                }
            }

            using (writer.PushSequence(ExtensionsTag))
            using (writer.PushSequence())
            {
                CertificateWriter.WriteAuthorityKeyIdentifier(writer, authority.KeyIdentifier);
                CertificateWriter.WriteExtension(writer, Oids.RevocationListNumber, critical: false, value => value.WriteInteger(number));
            }
        }

        return authority.Key.SignBody(writer.Encode());
    }

    private static void WriteEntry(AsnWriter writer, RevokedCertificate entry)
    {
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(Convert.FromHexString(entry.Serial).AsSpan().TrimStart((byte)0));
            CertificateWriter.WriteTime(writer, entry.RevokedAt);
            if (entry.Reason == RevocationReason.Unspecified)
            {
                return;
            }

            using (writer.PushSequence())
            {
                CertificateWriter.WriteExtension(
                    writer, Oids.ReasonCode, critical: false, value => value.WriteEnumeratedValue(entry.Reason));
            }
        }
    }
}
