using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace ControlPlane.Certificates;

/// <summary>Where a list of orders goes on. Opaque to callers, so that it may become something else.</summary>
internal static class LedgerCursor
{
    private const string Version = "l1.";
    private const int LengthMax = 1024;

    public static string Write(LedgerPosition position) => WebEncoders.Base64UrlEncode(
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Version}{position.At.UtcTicks}.{position.OrderId}")));

    /// <summary>False when the text is no cursor of ours.</summary>
    public static bool TryRead(string? cursor, out LedgerPosition? position)
    {
        position = null;
        if (string.IsNullOrEmpty(cursor))
        {
            return true;
        }

        if (cursor.Length > LengthMax)
        {
            return false;
        }

        try
        {
            var parts = Encoding.UTF8.GetString(WebEncoders.Base64UrlDecode(cursor)).Split('.', 3);
            if (parts is not ["l1", var ticks, var orderId]
                || !long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
                || at > DateTimeOffset.MaxValue.UtcTicks)
            {
                return false;
            }

            position = new LedgerPosition(new DateTimeOffset(at, TimeSpan.Zero), orderId);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
