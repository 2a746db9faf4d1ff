using System.Globalization;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>One revocation, as the journal keeps it.</summary>
/// <param name="Serial">Upper-case hexadecimal, whole bytes.</param>
/// <param name="AuthorityKeyIdentifier">Upper-case hexadecimal: which of our CA certificates issued it.</param>
internal sealed record RevokedCertificate(
    string Serial, string AuthorityKeyIdentifier, DateTimeOffset RevokedAt, RevocationReason Reason, DateTimeOffset NotAfter)
{
    private const int FieldCount = 5;

    /// <summary>The journal's line, without its end.</summary>
    public string ToLine() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Serial} {AuthorityKeyIdentifier} {RevokedAt.ToUnixTimeSeconds()} {(int)Reason} {NotAfter.ToUnixTimeSeconds()}");

    /// <summary>Reads a line; null for one that a crash cut short, whose revocation was never confirmed.</summary>
    public static RevokedCertificate? ParseOrNull(string line)
    {
        var fields = line.Split(' ');
        return fields.Length == FieldCount
            && fields[0].Length > 0
            && fields[0].All(char.IsAsciiHexDigitUpper)
            && long.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var revokedAt)
            && int.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out var reason)
            && long.TryParse(fields[4], NumberStyles.None, CultureInfo.InvariantCulture, out var notAfter)
            ? new RevokedCertificate(
                fields[0],
                fields[1],
                DateTimeOffset.FromUnixTimeSeconds(revokedAt),
                (RevocationReason)reason,
                DateTimeOffset.FromUnixTimeSeconds(notAfter))
            : null;
    }
}
