using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace ControlPlane.Adapters.Nats;

/// <summary>Names that any text can be part of: subjects, JetStream streams, consumers.</summary>
/// <remarks>
/// Letters, digits and '-' stand for themselves; every other byte of the UTF-8 text is <c>=XX</c>, in hexadecimal; the empty
/// text is <c>=</c>. What would be longer than <see cref="TokenLengthMax"/> is <c>=~</c> and its XXH128: nats-server cuts a
/// connection whose protocol line is longer than 4096 bytes. The whole text then is in the message's headers.
/// </remarks>
public static class JetStreamSubject
{
    public const int TokenLengthMax = 64;
    private const char Escape = '=';

    public static string Token(string text) => Token(Encoding.UTF8.GetBytes(text));

    public static string Token(ReadOnlySpan<byte> text)
    {
        var encoded = Encode(text);
        return encoded.Length <= TokenLengthMax
            ? encoded
            : string.Create(CultureInfo.InvariantCulture, $"=~{XxHash128.HashToUInt128(text):x32}");
    }

    /// <summary>The reversible form, of any length, for header values.</summary>
    public static string Encode(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            return "=";
        }

        var encoded = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            if (char.IsAsciiLetterOrDigit((char)letter) || letter == '-')
            {
                encoded.Append((char)letter);
            }
            else
            {
                encoded.Append(Escape).Append(CultureInfo.InvariantCulture, $"{letter:X2}");
            }
        }

        return encoded.ToString();
    }

    /// <summary>The bytes that <see cref="Encode"/> was given; null when the text is not of its making.</summary>
    public static byte[]? DecodeOrNull(string encoded)
    {
        if (encoded == "=")
        {
            return [];
        }

        var bytes = new byte[encoded.Length];
        var length = 0;
        for (var at = 0; at < encoded.Length; at++)
        {
            var letter = encoded[at];
            if (letter == Escape)
            {
                if (at + 2 >= encoded.Length
                    || !byte.TryParse(
                        encoded.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes[length++]))
                {
                    return null;
                }

                at += 2;
            }
            else if (char.IsAsciiLetterOrDigit(letter) || letter == '-')
            {
                bytes[length++] = (byte)letter;
            }
            else
            {
                return null;
            }
        }

        return length == 0 ? null : bytes[..length];
    }

    /// <summary>Whether a JetStream stream or consumer can have this name.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= 255 && name.All(c => c is > ' ' and not ('.' or '*' or '>' or '/' or '\\' or '\x7f'));

    /// <summary>Whether it is a subject, with or without wildcards.</summary>
    public static bool IsFilter(string subject)
    {
        var tokens = subject.Split('.');
        return tokens.Select((token, at) => (token, at)).All(part =>
            part.token.Length > 0
            && part.token.All(c => c is > ' ' and not '\x7f')
            && (part.token == "*" || !part.token.Contains('*', StringComparison.Ordinal))
            && (!part.token.Contains('>', StringComparison.Ordinal) || (part.token == ">" && part.at == tokens.Length - 1)));
    }

    /// <summary>Whether a subject without wildcards is one of the filter's.</summary>
    public static bool Matches(string filter, string subject)
    {
        var wanted = filter.Split('.');
        var tokens = subject.Split('.');
        for (var at = 0; at < wanted.Length; at++)
        {
            if (wanted[at] == ">")
            {
                return tokens.Length > at;
            }

            if (at >= tokens.Length || (wanted[at] != "*" && wanted[at] != tokens[at]))
            {
                return false;
            }
        }

        return tokens.Length == wanted.Length;
    }
}
