using System.Globalization;

namespace ControlPlane.Filters;

/// <summary>Reads reply expressions. Pure; bounded in length, depth and terms, since they come from outside.</summary>
internal ref struct ReplyReader
{
    private const int DepthMax = 32;
    private const int TermsMax = 128;

    // As Choria numbers its replies.
    private static readonly string[] Statuses = ["ok", "aborted", "unknown_action", "missing_data", "invalid_data", "unknown_error"];

    private FilterTokens tokens;
    private int depth;
    private int terms;

    /// <exception cref="FilterException">It is not an expression; the message says where.</exception>
    public static ReplyTerm Read(string text)
    {
        if (text.Length > FilterReader.CharsMax)
        {
            throw new FilterException($"a filter of replies has at most {FilterReader.CharsMax} characters");
        }

        var reader = new ReplyReader { tokens = new FilterTokens(text) };
        reader.tokens.Next();
        var term = reader.ReadOr();
        return reader.tokens.Kind == FilterToken.End ? term : throw reader.tokens.Unexpected("and, or, or the end");
    }

    private ReplyTerm ReadOr()
    {
        var left = ReadAnd();
        while (tokens.Kind == FilterToken.Or)
        {
            tokens.Next();
            left = new ReplyTerm.Or(left, ReadAnd());
        }

        return left;
    }

    private ReplyTerm ReadAnd()
    {
        var left = ReadNot();
        while (tokens.Kind == FilterToken.And)
        {
            tokens.Next();
            left = new ReplyTerm.And(left, ReadNot());
        }

        return left;
    }

    private ReplyTerm ReadNot()
    {
        if (++depth > DepthMax)
        {
            throw new FilterException($"a filter of replies is at most {DepthMax} levels deep");
        }

        ReplyTerm read;
        switch (tokens.Kind)
        {
            case FilterToken.Not:
                tokens.Next();
                read = new ReplyTerm.Not(ReadNot());
                break;
            case FilterToken.Open:
                tokens.Next();
                read = ReadOr();
                Close();
                break;
            default:
                read = ReadComparison();
                break;
        }

        depth--;
        return read;
    }

    private ReplyTerm ReadComparison()
    {
        if (++terms > TermsMax)
        {
            throw new FilterException($"a filter of replies has at most {TermsMax} terms");
        }

        var left = ReadValue();
        if (SignOrNull() is not { } sign)
        {
            return new ReplyTerm.Truth(left);
        }

        tokens.Next();
        if (sign is not ("=~" or "matches") && tokens.Kind != FilterToken.Pattern)
        {
            return new ReplyTerm.Comparison(left, sign, ReadValue());
        }

        if (sign is not ("=~" or "matches" or "==") || tokens.Kind is not (FilterToken.Pattern or FilterToken.Quoted))
        {
            throw tokens.Unexpected(sign is "=~" or "matches" ? "a /pattern/" : "a value");
        }

        var pattern = FilterPattern.OfName(tokens.Kind == FilterToken.Pattern ? tokens.Text : $"/{tokens.Text}/");
        tokens.Next();
        return new ReplyTerm.Matches(left, pattern);
    }

    private readonly string? SignOrNull() => (tokens.Kind, tokens.Text) switch
    {
        (FilterToken.Operator, "=") => "==",
        (FilterToken.Operator, "=<") => "<=",
        (FilterToken.Operator, "=>") => ">=",
        (FilterToken.Operator, var sign) => sign,
        (FilterToken.Word, "matches" or "contains" or "startsWith" or "endsWith") => tokens.Text,
        _ => null,
    };

    private ReplyValue ReadValue()
    {
        var (kind, text) = (tokens.Kind, tokens.Text);
        if (kind == FilterToken.Quoted)
        {
            tokens.Next();
            return ReplyValue.Of(text);
        }

        if (kind != FilterToken.Word)
        {
            throw tokens.Unexpected("a value");
        }

        var unknown = tokens.Unexpected(
            "code, msg, data('path'), sender(), ok(), aborted(), unknown_action(), missing_data(), invalid_data(), unknown_error() or a value");
        tokens.Next();
        return tokens.Kind == FilterToken.Open ? ReadCall(text) ?? throw unknown : ReadWord(text) ?? throw unknown;
    }

    private static ReplyValue? ReadWord(string word) => word switch
    {
        "code" => new ReplyValue.Code(),
        "msg" => new ReplyValue.Message(),
        "true" => ReplyValue.Of(truth: true),
        "false" => ReplyValue.Of(truth: false),
        "nil" => new ReplyValue.Constant(null),
        _ => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? ReplyValue.Of(number) : null,
    };

    private ReplyValue? ReadCall(string name)
    {
        tokens.Next();
        ReplyValue? value = name == "sender" ? new ReplyValue.Sender()
            : Array.IndexOf(Statuses, name) is var code and >= 0 ? new ReplyValue.HasCode(code)
            : null;
        if (name == "data")
        {
            if (tokens.Kind != FilterToken.Quoted)
            {
                throw tokens.Unexpected("a quoted path");
            }

            FactPath.Check(tokens.Text);
            value = new ReplyValue.DataAt(tokens.Text);
            tokens.Next();
        }

        if (value is not null)
        {
            Close();
        }

        return value;
    }

    private void Close()
    {
        if (tokens.Kind != FilterToken.Close)
        {
            throw tokens.Unexpected("')'");
        }

        tokens.Next();
    }
}
