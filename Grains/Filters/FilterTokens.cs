namespace ControlPlane.Filters;

/// <summary>What a filter expression is made of.</summary>
internal enum FilterToken
{
    End = 0,
    Word,
    Quoted,
    Pattern,
    Operator,
    Open,
    Close,
    And,
    Or,
    Not,
}

/// <summary>Cuts a filter expression into tokens, one at a time.</summary>
internal ref struct FilterTokens(string text)
{
    private const string EndsWord = "()\"'<>=!&|";

    private int start;
    private int at;

    public FilterToken Kind { get; private set; }

    /// <summary>The token; without its quotes, but with the slashes of a pattern.</summary>
    public string Text { get; private set; } = "";

    public void Next()
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
        {
            at++;
        }

        start = at;
        (Kind, Text) = at == text.Length ? (FilterToken.End, "") : text[at] switch
        {
            '(' => (FilterToken.Open, Take(1)),
            ')' => (FilterToken.Close, Take(1)),
            '"' or '\'' => (FilterToken.Quoted, TakeQuoted(text[at])),
            '/' => (FilterToken.Pattern, TakePattern()),
            '&' or '|' => TakeDoubled(),
            '!' when Follows('=') => (FilterToken.Operator, Take(2)),
            '!' => (FilterToken.Not, Take(1)),
            '=' or '<' or '>' => (FilterToken.Operator, Take(Follows('=') || Follows('~') || IsTurnedOperator() ? 2 : 1)),
            _ => TakeWord(),
        };
    }

    public readonly FilterException Unexpected(string wanted) => new(
        Kind == FilterToken.End
            ? $"the filter ends where {wanted} should be"
            : $"at character {start + 1} of the filter is '{Text}' where {wanted} should be");

    private readonly bool Follows(char next) => at + 1 < text.Length && text[at + 1] == next;

    // Choria takes =< and => as well.
    private readonly bool IsTurnedOperator() => text[at] == '=' && (Follows('<') || Follows('>'));

    private string Take(int length)
    {
        at += length;
        return text[start..at];
    }

    private string TakeQuoted(char quote)
    {
        var end = text.IndexOf(quote, at + 1);
        if (end < 0)
        {
            throw new FilterException($"the quote at character {at + 1} of the filter is not closed");
        }

        at = end + 1;
        return text[(start + 1)..end];
    }

    private string TakePattern()
    {
        for (at++; at < text.Length; at++)
        {
            if (text[at] == '\\')
            {
                at++;
            }
            else if (text[at] == '/')
            {
                at++;
                return text[start..at];
            }
        }

        throw new FilterException($"the pattern at character {start + 1} of the filter is not closed");
    }

    private (FilterToken Kind, string Text) TakeDoubled()
    {
        var kind = text[at] == '&' ? FilterToken.And : FilterToken.Or;
        return Follows(text[at])
            ? (kind, Take(2))
            : throw new FilterException($"at character {at + 1} of the filter is '{text[at]}'; write it twice, or in words");
    }

    private (FilterToken Kind, string Text) TakeWord()
    {
        while (at < text.Length && !char.IsWhiteSpace(text[at]) && !EndsWord.Contains(text[at], StringComparison.Ordinal))
        {
            at++;
        }

        var word = text[start..at];
        return (word switch { "and" => FilterToken.And, "or" => FilterToken.Or, "not" => FilterToken.Not, _ => FilterToken.Word }, word);
    }
}
