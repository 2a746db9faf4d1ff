namespace ControlPlane.Placement.Policies;

/// <summary>
/// Reads the predicate language: comparisons, <c>in</c>, <c>has</c>, <c>matches</c>, joined by <c>and</c>, <c>or</c>,
/// <c>not</c>.
/// </summary>
/// <remarks>Length, depth and the number of parts are bounded, so that reading and running are.</remarks>
internal sealed class PredicateParser
{
    public const int LengthMax = 2000;
    public const int PartsMax = 256;
    public const int DepthMax = 32;
    public const int ListItemsMax = 128;

    private readonly List<Token> tokens;
    private int position;
    private int parts;
    private int depth;

    private PredicateParser(List<Token> tokens) => this.tokens = tokens;

    private Token Next => tokens[position];

    /// <exception cref="PredicateFaultException">It is not a predicate.</exception>
    public static PredicateSyntax Parse(string text)
    {
        if (text.Length > LengthMax)
        {
            throw new PredicateFaultException(LengthMax, $"a predicate has at most {LengthMax} characters, this one has {text.Length}");
        }

        var parser = new PredicateParser(PredicateLexer.Read(text));
        var whole = parser.ReadOr();
        return parser.Next.Kind == TokenKind.End ? whole : throw Unexpected(parser.Next, "'and', 'or' or the end");
    }

    private static PredicateFaultException Unexpected(Token token, string wanted) =>
        new(token.At, $"expected {wanted}, found {(token.Kind == TokenKind.End ? "the end" : $"'{token.Value}'")}");

    private T Part<T>(T part)
        where T : PredicateSyntax
    {
        if (++parts > PartsMax)
        {
            throw new PredicateFaultException(part.At, $"a predicate has at most {PartsMax} parts");
        }

        return part;
    }

    private PredicateSyntax ReadOr()
    {
        if (++depth > DepthMax)
        {
            throw new PredicateFaultException(Next.At, $"a predicate nests at most {DepthMax} deep");
        }

        var left = ReadAnd();
        while (Take("or", "||") is { } token)
        {
            left = Part(new PredicateSyntax.Or(token.At, left, ReadAnd()));
        }

        depth--;
        return left;
    }

    private PredicateSyntax ReadAnd()
    {
        var left = ReadNot();
        while (Take("and", "&&") is { } token)
        {
            left = Part(new PredicateSyntax.And(token.At, left, ReadNot()));
        }

        return left;
    }

    private PredicateSyntax ReadNot()
    {
        if (Take("not", "!") is not { } token)
        {
            return ReadComparison();
        }

        if (++depth > DepthMax)
        {
            throw new PredicateFaultException(token.At, $"a predicate nests at most {DepthMax} deep");
        }

        var negated = Part(new PredicateSyntax.Not(token.At, ReadNot()));
        depth--;
        return negated;
    }

    private PredicateSyntax ReadComparison()
    {
        var left = ReadOperand();
        var at = Next.At;
        if (Take("in") is not null)
        {
            return Part(new PredicateSyntax.In(at, left, ReadOperand()));
        }

        if (Take("has") is not null)
        {
            return Part(new PredicateSyntax.In(at, ReadOperand(), left));
        }

        Comparison? comparison = Next.Kind != TokenKind.Symbol ? null : Next.Value switch
        {
            "==" => Comparison.Equal,
            "!=" => Comparison.NotEqual,
            "<" => Comparison.Less,
            "<=" => Comparison.LessOrEqual,
            ">" => Comparison.Greater,
            ">=" => Comparison.GreaterOrEqual,
            _ => null,
        };
        if (comparison is not { } found)
        {
            return left;
        }

        position++;
        return Part(new PredicateSyntax.Compare(at, found, left, ReadOperand()));
    }

    private PredicateSyntax ReadOperand()
    {
        var token = Next;
        switch (token.Kind)
        {
            case TokenKind.Text:
                position++;
                return Part(new PredicateSyntax.Literal(token.At, token.Value));
            case TokenKind.Number:
                position++;
                return Part(new PredicateSyntax.Literal(token.At, token.Number));
            case TokenKind.Name:
                return ReadNamed(token);
            case TokenKind.Symbol when token.Value == "(":
                position++;
                var inner = ReadOr();
                Expect(")");
                return inner;
            case TokenKind.Symbol when token.Value == "[":
                return ReadList(token);
            default:
                throw Unexpected(token, "a value");
        }
    }

    private PredicateSyntax ReadNamed(Token token)
    {
        position++;
        switch (token.Value)
        {
            case "true" or "false":
                return Part(new PredicateSyntax.Literal(token.At, token.Value == "true"));
            case "node" or "overlay":
                return ReadReference(token);
            case "has":
                Expect("(");
                var subject = ReadOperand() as PredicateSyntax.Reference
                    ?? throw new PredicateFaultException(token.At, "has() asks about an attribute");
                Expect(")");
                return Part(new PredicateSyntax.Present(token.At, subject));
            case "matches":
                return ReadMatches(token);
            default:
                throw new PredicateFaultException(token.At,
                    $"'{token.Value}' is unknown; attributes are written node.{token.Value} or overlay.{token.Value}");
        }
    }

    private PredicateSyntax.Matches ReadMatches(Token token)
    {
        Expect("(");
        var text = ReadOperand();
        Expect(",");
        var patternAt = Next.At;
        if (ReadOperand() is not PredicateSyntax.Literal { Value: string } pattern)
        {
            throw new PredicateFaultException(patternAt, "the pattern of matches() is a text in quotes");
        }

        Expect(")");
        return Part(new PredicateSyntax.Matches(token.At, text, pattern));
    }

    private PredicateSyntax.Reference ReadReference(Token token)
    {
        var name = "";
        while (Next is { Kind: TokenKind.Symbol, Value: "." })
        {
            position++;
            if (Next.Kind != TokenKind.Name)
            {
                throw Unexpected(Next, "a name after '.'");
            }

            name += (name.Length == 0 ? "" : ".") + Next.Value;
            position++;
        }

        return Part(new PredicateSyntax.Reference(token.At, token.Value == "overlay", name));
    }

    private PredicateSyntax.Literal ReadList(Token token)
    {
        position++;
        var items = new List<string>();
        while (Next is not { Kind: TokenKind.Symbol, Value: "]" })
        {
            if (items.Count > 0)
            {
                Expect(",");
            }

            if (Next.Kind != TokenKind.Text || items.Count == ListItemsMax)
            {
                throw Unexpected(Next, $"at most {ListItemsMax} texts in quotes");
            }

            items.Add(Next.Value);
            position++;
        }

        position++;
        return Part(new PredicateSyntax.Literal(token.At, items.ToArray()));
    }

    private Token? Take(string word, string? symbol = null)
    {
        var token = Next;
        if ((token.Kind == TokenKind.Name && token.Value == word)
            || (token.Kind == TokenKind.Symbol && symbol is not null && token.Value == symbol))
        {
            position++;
            return token;
        }

        return null;
    }

    private void Expect(string symbol)
    {
        if (Next.Kind != TokenKind.Symbol || Next.Value != symbol)
        {
            throw Unexpected(Next, $"'{symbol}'");
        }

        position++;
    }
}
