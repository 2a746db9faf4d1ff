using System.Formats.Asn1;

namespace ControlPlane.Chaos;

/// <summary>The CA's own list of what it revoked, as anyone can download it.</summary>
internal static class RevocationListView
{
    private const string Path = "/v1/issuers/local/crl";

    /// <summary>The serial numbers as the ledger writes them: hexadecimal without leading zeros.</summary>
    public static async Task<IReadOnlySet<string>> ReadAsync(HttpClient api, CancellationToken cancellationToken) =>
        Serials(await api.GetByteArrayAsync(Path, cancellationToken));

    // RFC 5280, 5.1: SEQUENCE { tbsCertList SEQUENCE { version, signature, issuer, thisUpdate, nextUpdate?, revokedCertificates? … } … }
    private static HashSet<string> Serials(byte[] der)
    {
        var serials = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var list = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        list.ReadInteger();
        list.ReadSequence();
        list.ReadSequence();
        while (list.HasData && list.PeekTag().TagValue is (int)UniversalTagNumber.UtcTime or (int)UniversalTagNumber.GeneralizedTime)
        {
            list.ReadEncodedValue();
        }

        if (!list.HasData || list.PeekTag() != Asn1Tag.Sequence)
        {
            return serials;
        }

        for (var revoked = list.ReadSequence(); revoked.HasData;)
        {
            serials.Add(Convert.ToHexString(revoked.ReadSequence().ReadIntegerBytes().Span).TrimStart('0'));
        }

        return serials;
    }
}
