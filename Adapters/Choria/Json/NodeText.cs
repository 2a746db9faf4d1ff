using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace ControlPlane.Adapters.Choria;

/// <summary>Reads what nodes write of themselves as Go reads it: what is no text becomes U+FFFD, and the rest is kept.</summary>
/// <remarks>
/// Nodes pass on what their files hold, whatever its encoding, and their JSON may spell half a character (<c>"\ud800"</c>). .NET throws
/// for either, each time that somebody looks at it. So the content of replies, registrations and tokens goes through here when it enters.
/// Envelopes and events do not: Choria writes them, never with such text, and they are refused with it.
/// </remarks>
public static class NodeText
{
    private const int EscapeLength = 6;
    private static readonly byte[] Replacement = [.. "\\ufffd"u8];

    /// <summary>The same JSON with text that can be read; itself when there is nothing to mend. Does not say whether it is JSON.</summary>
    public static ReadOnlyMemory<byte> WellFormed(ReadOnlyMemory<byte> json)
    {
        var valid = Utf8.IsValid(json.Span) ? json : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(json.Span));
        return Mended(valid.Span) ?? valid;
    }

    /// <summary>At most so many characters. Half a character at the end could not be encoded.</summary>
    public static string Cut(string text, int max)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length <= max ? text : text[..(char.IsHighSurrogate(text[max - 1]) ? max - 1 : max)] + "…";
    }

    // Backslashes stand in strings only; elsewhere it is no JSON, and stays so.
    private static byte[]? Mended(ReadOnlySpan<byte> json)
    {
        byte[]? mended = null;
        for (var at = json.IndexOf((byte)'\\'); at >= 0 && at < json.Length;)
        {
            var length = 2;
            if (CodeUnit(json, at) is { } unit)
            {
                length = EscapeLength;
                if (char.IsHighSurrogate(unit) && CodeUnit(json, at + EscapeLength) is { } next && char.IsLowSurrogate(next))
                {
                    length = 2 * EscapeLength;
                }
                else if (char.IsSurrogate(unit))
                {
                    mended ??= json.ToArray();
                    Replacement.CopyTo(mended, at);
                }
            }

            var rest = Math.Min(at + length, json.Length);
            at = json[rest..].IndexOf((byte)'\\') is var found and >= 0 ? rest + found : -1;
        }

        return mended;
    }

    private static char? CodeUnit(ReadOnlySpan<byte> json, int at) =>
        at + EscapeLength <= json.Length && json[at] == '\\' && json[at + 1] == 'u'
            && ushort.TryParse(
                json.Slice(at + 2, EscapeLength - 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit)
                ? (char)unit
                : null;
}
