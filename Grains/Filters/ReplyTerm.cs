using System.Text.RegularExpressions;

namespace ControlPlane.Filters;

/// <summary>A part of a reply expression that is true or not.</summary>
internal abstract record ReplyTerm
{
    public abstract bool Holds(ReplyFields reply);

    public sealed record And(ReplyTerm Left, ReplyTerm Right) : ReplyTerm
    {
        public override bool Holds(ReplyFields reply) => Left.Holds(reply) && Right.Holds(reply);
    }

    public sealed record Or(ReplyTerm Left, ReplyTerm Right) : ReplyTerm
    {
        public override bool Holds(ReplyFields reply) => Left.Holds(reply) || Right.Holds(reply);
    }

    public sealed record Not(ReplyTerm Of) : ReplyTerm
    {
        public override bool Holds(ReplyFields reply) => !Of.Holds(reply);
    }

    /// <summary>A value alone: it must be true.</summary>
    public sealed record Truth(ReplyValue Of) : ReplyTerm
    {
        public override bool Holds(ReplyFields reply) => Of.In(reply) is { Kind: FactKind.True };
    }

    /// <summary>A text that a pattern finds something in.</summary>
    public sealed record Matches(ReplyValue Of, Regex Pattern) : ReplyTerm
    {
        public override bool Holds(ReplyFields reply) => Of.TextIn(reply) is { } text && Pattern.IsMatch(text);
    }

    public sealed record Comparison(ReplyValue Left, string Sign, ReplyValue Right) : ReplyTerm
    {
        public override bool Holds(ReplyFields reply)
        {
            if (Sign is "contains" or "startsWith" or "endsWith")
            {
                return Left.TextIn(reply) is { } text && Right.TextIn(reply) is { } part && HoldsPart(text, part);
            }

            return OrderOrNull(Left.In(reply), Right.In(reply)) is { } order
                ? Sign switch
                {
                    "==" => order == 0,
                    "!=" => order != 0,
                    "<" => order < 0,
                    "<=" => order <= 0,
                    ">" => order > 0,
                    _ => order >= 0,
                }
                : Sign == "!=";
        }

        private bool HoldsPart(string text, string part) => Sign switch
        {
            "contains" => text.Contains(part, StringComparison.Ordinal),
            "startsWith" => text.StartsWith(part, StringComparison.Ordinal),
            _ => text.EndsWith(part, StringComparison.Ordinal),
        };

        private static int? OrderOrNull(FactValue? left, FactValue? right) => (left, right) switch
        {
            (null, null) => 0,
            ({ Kind: FactKind.Number } one, { Kind: FactKind.Number } other) => one.Number.CompareTo(other.Number),
            ({ Kind: FactKind.Text } one, { Kind: FactKind.Text } other) => string.CompareOrdinal(one.Text, other.Text),
            ({ Kind: FactKind.True or FactKind.False } one, { Kind: FactKind.True or FactKind.False } other) =>
                other.Kind.CompareTo(one.Kind),
            _ => null,
        };
    }
}
