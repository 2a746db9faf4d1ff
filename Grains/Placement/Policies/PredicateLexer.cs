using System.Globalization;
using System.Text;

namespace ControlPlane.Placement.Policies;

internal enum TokenKind
{
    End,
    Name,
    Text,
    Number,
    Symbol,
}

/// <param name="Kind">What it is.</param>
/// <param name="At">Offset of its first character.</param>
/// <param name="Value">The name, symbol, or the text without quotes.</param>
/// <param name="Number">The value of a number.</param>
internal readonly record struct Token(TokenKind Kind, int At, string Value, double Number = 0);

/// <summary>Cuts a predicate into tokens. Linear in the length of the text.</summary>
internal static class PredicateLexer
{
    private static readonly string[] Symbols = ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")", "[", "]", ",", "."];

    public static List<Token> Read(string text)
    {
        var tokens = new List<Token>();
        var at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }

            if (at == text.Length)
            {
                tokens.Add(new Token(TokenKind.End, at, "the end"));
                return tokens;
            }

            var token = ReadToken(text, ref at);
            tokens.Add(token);
        }
    }

    private static Token ReadToken(string text, ref int at)
    {
        var start = at;
        var first = text[at];
        if (char.IsAsciiLetter(first) || first == '_')
        {
            while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_' or '-'))
            {
                at++;
            }

            return new Token(TokenKind.Name, start, text[start..at]);
        }

        if (char.IsAsciiDigit(first) || (first == '-' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1])))
        {
            return ReadNumber(text, ref at);
        }

        if (first is '"' or '\'')
        {
            return ReadText(text, ref at);
        }

        foreach (var symbol in Symbols)
        {
            if (string.CompareOrdinal(text, at, symbol, 0, symbol.Length) == 0)
            {
                at += symbol.Length;
                return new Token(TokenKind.Symbol, start, symbol);
            }
        }

        throw new PredicateFaultException(start, $"'{first}' has no meaning here");
    }

    private static Token ReadNumber(string text, ref int at)
    {
        var start = at++;
        while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.'))
        {
            at++;
        }

        return double.TryParse(text.AsSpan(start, at - start), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && double.IsFinite(number)
            ? new Token(TokenKind.Number, start, text[start..at], number)
            : throw new PredicateFaultException(start, $"'{text[start..at]}' is not a number");
    }

    private static Token ReadText(string text, ref int at)
    {
        var start = at;
        var quote = text[at++];
        var value = new StringBuilder();
        while (at < text.Length && text[at] != quote)
        {
            // A backslash escapes the quote and itself only: patterns need it for themselves.
            if (text[at] == '\\' && at + 1 < text.Length && (text[at + 1] == quote || text[at + 1] == '\\'))
            {
                at++;
            }

            value.Append(text[at++]);
        }

        if (at == text.Length)
        {
            throw new PredicateFaultException(start, "the text has no closing quote");
        }

        at++;
        return new Token(TokenKind.Text, start, value.ToString());
    }
}
