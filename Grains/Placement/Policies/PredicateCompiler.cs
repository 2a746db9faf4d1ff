using System.Text.RegularExpressions;

namespace ControlPlane.Placement.Policies;

/// <summary>What a predicate may speak of, by where it stands.</summary>
/// <param name="Attributes">The attributes that the policy declares.</param>
/// <param name="MaySeeOverlay">Whether an overlay is being judged there.</param>
/// <param name="IsHard">Whether the rule binds, so that it may rest on trusted attributes only.</param>
internal sealed record PredicateScope(IReadOnlyList<AttributeRule> Attributes, bool MaySeeOverlay, bool IsHard);

/// <summary>Checks the types of a predicate and turns it into delegates: once per policy version, and without reflection.</summary>
/// <remarks>An absent value equals nothing, is in nothing and compares with nothing; <c>!=</c> is the opposite of <c>==</c>.</remarks>
internal sealed class PredicateCompiler(PredicateScope scope)
{
    private const int PatternLengthMax = 256;

    private delegate string? TextGetter(in Applicant node, OverlayEntry? overlay);

    private delegate double? NumberGetter(in Applicant node, OverlayEntry? overlay);

    private delegate bool? FlagGetter(in Applicant node, OverlayEntry? overlay);

    private delegate string[]? ListGetter(in Applicant node, OverlayEntry? overlay);

    /// <summary>Whether it asks for the node's identity.</summary>
    public bool AsksIdentity { get; private set; }

    /// <exception cref="PredicateFaultException">A type does not fit, or a name is unknown or not allowed here.</exception>
    public Predicate Compile(PredicateSyntax syntax)
    {
        switch (syntax)
        {
            case PredicateSyntax.Or or:
                var (eitherLeft, eitherRight) = (Compile(or.Left), Compile(or.Right));
                return (in node, overlay) => eitherLeft(node, overlay) || eitherRight(node, overlay);
            case PredicateSyntax.And and:
                var (bothLeft, bothRight) = (Compile(and.Left), Compile(and.Right));
                return (in node, overlay) => bothLeft(node, overlay) && bothRight(node, overlay);
            case PredicateSyntax.Not not:
                var operand = Compile(not.Operand);
                return (in node, overlay) => !operand(node, overlay);
            case PredicateSyntax.Compare compare:
                return Compare(compare);
            case PredicateSyntax.In contains:
                var (item, list) = (Text(contains.Item), List(contains.List));
                return (in node, overlay) => item(node, overlay) is { } wanted && list(node, overlay) is { } among
                    && Array.IndexOf(among, wanted) >= 0;
            case PredicateSyntax.Present present:
                return Present(present.Of);
            case PredicateSyntax.Matches matches:
                var (text, pattern) = (Text(matches.Text), Pattern(matches.Pattern));
                return (in node, overlay) => text(node, overlay) is { } subject && pattern.IsMatch(subject);
            default:
                var flag = Flag(syntax);
                return (in node, overlay) => flag(node, overlay) == true;
        }
    }

    private Predicate Compare(PredicateSyntax.Compare compare)
    {
        var (left, right) = (TypeOf(compare.Left), TypeOf(compare.Right));
        if (left != right)
        {
            throw new PredicateFaultException(compare.At, $"a {Word(left)} cannot be compared with a {Word(right)}");
        }

        if (compare.Operator is not (Comparison.Equal or Comparison.NotEqual) && left != AttributeType.Number)
        {
            throw new PredicateFaultException(compare.At, $"only numbers have an order, this is a {Word(left)}");
        }

        var isEqual = compare.Operator != Comparison.NotEqual;
        switch (left)
        {
            case AttributeType.String:
                var (text, otherText) = (Text(compare.Left), Text(compare.Right));
                return (in node, overlay) => (text(node, overlay) is { } one && one == otherText(node, overlay)) == isEqual;
            case AttributeType.Boolean:
                var (flag, otherFlag) = (Flag(compare.Left), Flag(compare.Right));
                return (in node, overlay) => (flag(node, overlay) is { } one && one == otherFlag(node, overlay)) == isEqual;
            case AttributeType.Number:
                return CompareNumbers(compare.Operator, Number(compare.Left), Number(compare.Right));
            default:
                throw new PredicateFaultException(compare.At, "lists are asked with 'in' and 'has'");
        }
    }

    private static Predicate CompareNumbers(Comparison comparison, NumberGetter left, NumberGetter right) => comparison switch
    {
        Comparison.Equal => (in node, overlay) => left(node, overlay) is { } one && one == right(node, overlay),
        Comparison.NotEqual => (in node, overlay) => !(left(node, overlay) is { } one && one == right(node, overlay)),
        Comparison.Less => (in node, overlay) => left(node, overlay) < right(node, overlay),
        Comparison.LessOrEqual => (in node, overlay) => left(node, overlay) <= right(node, overlay),
        Comparison.Greater => (in node, overlay) => left(node, overlay) > right(node, overlay),
        _ => (in node, overlay) => left(node, overlay) >= right(node, overlay),
    };

    private AttributeType TypeOf(PredicateSyntax syntax) => syntax switch
    {
        PredicateSyntax.Literal { Value: string } => AttributeType.String,
        PredicateSyntax.Literal { Value: double } => AttributeType.Number,
        PredicateSyntax.Literal { Value: string[] } => AttributeType.List,
        PredicateSyntax.Reference { IsOverlay: true } reference => OverlayFields.TypeOf(Seen(reference)),
        PredicateSyntax.Reference { Name: "" } => AttributeType.String,
        PredicateSyntax.Reference reference => scope.Attributes[Slot(reference)].Type,
        _ => AttributeType.Boolean,
    };

    private Predicate Present(PredicateSyntax.Reference reference)
    {
        if (reference.IsOverlay)
        {
            if (TypeOf(reference) != AttributeType.String)
            {
                throw new PredicateFaultException(reference.At, "an overlay always has this");
            }

            var text = Text(reference);
            return (in node, overlay) => text(node, overlay) is not null;
        }

        var slot = Slot(reference);
        return (in node, _) => node.Attributes.Slots[slot] is not null;
    }

    private TextGetter Text(PredicateSyntax syntax)
    {
        Require(syntax, AttributeType.String);
        switch (syntax)
        {
            case PredicateSyntax.Literal { Value: string text }:
                return (in _, _) => text;
            case PredicateSyntax.Reference { IsOverlay: true } reference:
                var field = OverlayFields.Text(Seen(reference).Name);
                return (in _, overlay) => field(overlay!);
            case PredicateSyntax.Reference { Name: "" }:
                AsksIdentity = true;
                return (in node, _) => node.Identity;
            default:
                var slot = Slot((PredicateSyntax.Reference)syntax);
                return (in node, _) => node.Attributes.Slots[slot] as string;
        }
    }

    private NumberGetter Number(PredicateSyntax syntax)
    {
        Require(syntax, AttributeType.Number);
        switch (syntax)
        {
            case PredicateSyntax.Literal { Value: double number }:
                return (in _, _) => number;
            case PredicateSyntax.Reference { IsOverlay: true } reference:
                var field = OverlayFields.Number(Seen(reference).Name);
                return (in _, overlay) => field(overlay!);
            default:
                var slot = Slot((PredicateSyntax.Reference)syntax);
                return (in node, _) => node.Attributes.Slots[slot] as double?;
        }
    }

    private FlagGetter Flag(PredicateSyntax syntax)
    {
        Require(syntax, AttributeType.Boolean);
        switch (syntax)
        {
            case PredicateSyntax.Literal { Value: bool flag }:
                return (in _, _) => flag;
            case PredicateSyntax.Reference reference:
                var slot = Slot(reference);
                return (in node, _) => node.Attributes.Slots[slot] as bool?;
            default:
                var predicate = Compile(syntax);
                return (in node, overlay) => predicate(node, overlay);
        }
    }

    private ListGetter List(PredicateSyntax syntax)
    {
        Require(syntax, AttributeType.List);
        if (syntax is PredicateSyntax.Literal { Value: string[] list })
        {
            return (in _, _) => list;
        }

        var slot = Slot((PredicateSyntax.Reference)syntax);
        return (in node, _) => node.Attributes.Slots[slot] as string[];
    }

    private static Regex Pattern(PredicateSyntax.Literal literal)
    {
        var pattern = (string)literal.Value;
        if (pattern.Length > PatternLengthMax || RepeatsTooOften(pattern))
        {
            throw new PredicateFaultException(literal.At,
                $"a pattern has at most {PatternLengthMax} characters, and its counted repeats multiply to at most {RepeatsMax}");
        }

        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception fault) when (fault is ArgumentException or NotSupportedException)
        {
            throw new PredicateFaultException(literal.At, $"the pattern is not one that takes linear time: {fault.Message}");
        }
    }

    private const long RepeatsMax = 1000;

    // A counted repeat is a copy: (a{99}){99} would make an automaton of ten thousand states.
    private static bool RepeatsTooOften(string pattern)
    {
        long product = 1;
        for (var at = pattern.IndexOf('{', StringComparison.Ordinal); at >= 0; at = pattern.IndexOf('{', at + 1))
        {
            foreach (var bound in pattern[(at + 1)..].Split('}', 2)[0].Split(','))
            {
                // A bound that is no number is the expression's own fault, which its parser reports.
                product *= long.TryParse(bound, out var times) ? Math.Clamp(times, 1, RepeatsMax + 1) : 1;

                if (product > RepeatsMax)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void Require(PredicateSyntax syntax, AttributeType type)
    {
        var found = TypeOf(syntax);
        if (found != type)
        {
            throw new PredicateFaultException(syntax.At, $"expected a {Word(type)}, this is a {Word(found)}");
        }
    }

    private PredicateSyntax.Reference Seen(PredicateSyntax.Reference reference) =>
        scope.MaySeeOverlay ? reference
            : throw new PredicateFaultException(reference.At, "no overlay is judged here: only the node's attributes can be asked");

    private int Slot(PredicateSyntax.Reference reference)
    {
        for (var i = 0; i < scope.Attributes.Count; i++)
        {
            if (scope.Attributes[i].Name != reference.Name)
            {
                continue;
            }

            return scope.IsHard && !scope.Attributes[i].IsTrusted
                ? throw new PredicateFaultException(reference.At,
                    $"'{reference.Name}' is what the node says of itself: a hard rule may use trusted attributes only")
                : i;
        }

        throw new PredicateFaultException(reference.At, $"unknown attribute '{reference.Name}'");
    }

    private static string Word(AttributeType type) => type switch
    {
        AttributeType.String => "text",
        AttributeType.Number => "number",
        AttributeType.Boolean => "yes-or-no",
        _ => "list",
    };
}

/// <summary>What a predicate may ask of an overlay.</summary>
internal static class OverlayFields
{
    private const string LabelPrefix = "labels.";

    public static AttributeType TypeOf(PredicateSyntax.Reference reference) => reference.Name switch
    {
        "name" or "state" or "site" => AttributeType.String,
        "nodes" or "load" or "free" => AttributeType.Number,
        _ when reference.Name.StartsWith(LabelPrefix, StringComparison.Ordinal) => AttributeType.String,
        _ => throw new PredicateFaultException(
            reference.At, $"an overlay has no '{reference.Name}': name, state, site, nodes, load, free and labels.<name> can be asked"),
    };

    public static Func<OverlayEntry, string?> Text(string name)
    {
        switch (name)
        {
            case "name":
                return overlay => overlay.Name;
            case "state":
                return overlay => overlay.State.ToString();
            default:
                var label = name.StartsWith(LabelPrefix, StringComparison.Ordinal) ? name[LabelPrefix.Length..] : name;
                return overlay => overlay.Labels.GetValueOrDefault(label);
        }
    }

    public static Func<OverlayEntry, double> Number(string name) => name switch
    {
        "nodes" => overlay => overlay.Nodes,
        "load" => overlay => overlay.Load,
        _ => overlay => Math.Max(0, overlay.HardLimit - overlay.Committed),
    };
}
