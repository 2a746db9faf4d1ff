using System.Formats.Asn1;

namespace ControlPlane.Adapters.Tests.Certificates;

/// <summary>Reads revocation lists the slow and simple way.</summary>
internal static class RevocationLists
{
    /// <summary>The serial numbers on a list, upper-case hexadecimal without leading zeros.</summary>
    public static IReadOnlySet<string> Read(byte[] der)
    {
        var body = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        body.ReadInteger();
        body.ReadSequence();
        body.ReadSequence();
        body.ReadUtcTime();
        if (body.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime))
        {
            body.ReadUtcTime();
        }

        var serials = new HashSet<string>(StringComparer.Ordinal);
        if (body.HasData && body.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence))
        {
            var entries = body.ReadSequence();
            while (entries.HasData)
            {
                serials.Add(Convert.ToHexString(entries.ReadSequence().ReadIntegerBytes().Span).TrimStart('0'));
            }
        }

        return serials;
    }
}
