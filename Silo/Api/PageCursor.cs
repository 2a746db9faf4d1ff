using System.Text;
using ControlPlane.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace ControlPlane.Api;

/// <summary>Where a list goes on: after the last identity of the page before.</summary>
/// <remarks>Opaque to callers, so that it may become something else.</remarks>
internal static class PageCursor
{
    private const string Version = "1.";
    private const int LengthMax = 512;

    public static string Write(string lastIdentity) => WebEncoders.Base64UrlEncode(Encoding.UTF8.GetBytes(Version + lastIdentity));

    /// <summary>False when the text is no cursor of ours.</summary>
    public static bool TryRead(string? cursor, out string? lastIdentity)
    {
        lastIdentity = null;
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
            var text = Encoding.UTF8.GetString(WebEncoders.Base64UrlDecode(cursor));
            lastIdentity = text.StartsWith(Version, StringComparison.Ordinal) ? text[Version.Length..] : null;
            return lastIdentity is not null && NodeIdentity.IsValid(lastIdentity);
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
