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

    private static readonly long SecondsMax = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    /// <summary>
    /// Reads a line; null for one that we did not write, or that a crash cut short: its revocation was never confirmed.
    /// </summary>
    public static RevokedCertificate? ParseOrNull(string line)
    {
        var fields = line.Split(' ');
        return fields.Length == FieldCount
            && fields[0].Length > 0
            && fields[0].All(char.IsAsciiHexDigitUpper)
            && TryReadSeconds(fields[2], out var revokedAt)
            && int.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out var reason)
            && TryReadSeconds(fields[4], out var notAfter)
            ? new RevokedCertificate(
                fields[0],
                fields[1],
                DateTimeOffset.FromUnixTimeSeconds(revokedAt),
                (RevocationReason)reason,
                DateTimeOffset.FromUnixTimeSeconds(notAfter))
            : null;
    }

    private static bool TryReadSeconds(string text, out long seconds) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seconds) && seconds <= SecondsMax;
}
