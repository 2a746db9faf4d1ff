namespace ControlPlane.Filters;

/// <summary>Reads filter expressions: <c>(country=uk or country=/^d/) and not role::db</c>. Pure.</summary>
/// <remarks>
/// <c>not</c> binds tighter than <c>and</c>, <c>and</c> tighter than <c>or</c>; <c>!</c>, <c>&amp;&amp;</c> and <c>||</c> are the same.
/// Bounded in length, depth and terms, since it comes from outside.
/// </remarks>
internal ref struct FilterReader
{
    /// <summary>The longest expression that is taken.</summary>
    public const int CharsMax = 4096;

    private const int DepthMax = 32;
    private const int TermsMax = 128;

    private FilterTokens tokens;
    private int depth;
    private int terms;

    /// <exception cref="FilterException">It is not an expression; the message says where.</exception>
    public static FilterExpression Read(string text)
    {
        if (text.Length > CharsMax)
        {
            throw new FilterException($"a filter has at most {CharsMax} characters");
        }

        var reader = new FilterReader { tokens = new FilterTokens(text) };
        reader.tokens.Next();
        var expression = reader.ReadOr();
        return reader.tokens.Kind == FilterToken.End ? expression : throw reader.tokens.Unexpected("and, or, or the end");
    }

    private FilterExpression ReadOr()
    {
        var left = ReadAnd();
        while (tokens.Kind == FilterToken.Or)
        {
            tokens.Next();
            left = new FilterExpression.Or(left, ReadAnd());
        }

        return left;
    }

    private FilterExpression ReadAnd()
    {
        var left = ReadNot();
        while (tokens.Kind == FilterToken.And)
        {
            tokens.Next();
            left = new FilterExpression.And(left, ReadNot());
        }

        return left;
    }

    private FilterExpression ReadNot()
    {
        if (++depth > DepthMax)
        {
            throw new FilterException($"a filter is at most {DepthMax} levels deep");
        }

        var read = tokens.Kind switch
        {
            FilterToken.Not => ReadNegation(),
            FilterToken.Open => ReadParentheses(),
            FilterToken.Word or FilterToken.Quoted or FilterToken.Pattern => ReadTerm(),
            _ => throw tokens.Unexpected("a term"),
        };
        depth--;
        return read;
    }

    private FilterExpression.Not ReadNegation()
    {
        tokens.Next();
        return new FilterExpression.Not(ReadNot());
    }

    private FilterExpression ReadParentheses()
    {
        tokens.Next();
        var inner = ReadOr();
        Close();
        return inner;
    }

    private FilterExpression ReadTerm()
    {
        if (++terms > TermsMax)
        {
            throw new FilterException($"a filter has at most {TermsMax} terms");
        }

        var (kind, text) = (tokens.Kind, tokens.Text);
        tokens.Next();
        if (kind == FilterToken.Word && text == "with" && tokens.Kind == FilterToken.Open)
        {
            return ReadWith();
        }

        if (tokens.Kind != FilterToken.Operator)
        {
            return Named(text);
        }

        var sign = tokens.Text;
        tokens.Next();
        if (tokens.Kind is not (FilterToken.Word or FilterToken.Quoted or FilterToken.Pattern))
        {
            throw tokens.Unexpected("a value");
        }

        var value = tokens.Text;
        tokens.Next();
        return new FilterExpression.Fact(FactTest.Of(text, sign, value));
    }

    // Choria's own notation: with('os.family=Debian'), with('role::web'), with('/regex/').
    private FilterExpression ReadWith()
    {
        tokens.Next();
        if (tokens.Kind != FilterToken.Quoted)
        {
            throw tokens.Unexpected("a quoted term");
        }

        var text = tokens.Text;
        tokens.Next();
        Close();
        return !FilterPattern.IsPattern(text) && FactTest.ReadOrNull(text) is { } fact ? new FilterExpression.Fact(fact) : Named(text);
    }

    private static FilterExpression.Named Named(string text) => new(NameTest.OfClass(text), NameTest.OfName(text));

    private void Close()
    {
        if (tokens.Kind != FilterToken.Close)
        {
            throw tokens.Unexpected("')'");
        }

        tokens.Next();
    }
}
