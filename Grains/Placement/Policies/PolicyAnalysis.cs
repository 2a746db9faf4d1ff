namespace ControlPlane.Placement.Policies;

/// <summary>
/// Finds rules that can never act and rules that leave nothing: by what their predicates say, without looking at any node.
/// </summary>
/// <remarks>
/// Sound, not complete: what it reports is so; a contradiction behind patterns or between two attributes it does not see. Predicates
/// whose alternatives multiply beyond <see cref="AlternativesMax"/> are left alone.
/// </remarks>
internal static class PolicyAnalysis
{
    private const int AlternativesMax = 128;

    public static void Judge(IReadOnlyList<RuleSource> sources, DocumentFaults faults)
    {
        foreach (var source in sources.Where(source => !CanHold(source.Syntax)))
        {
            faults.Add(source.At, source.Kind == RuleKind.Filter
                ? $"filter '{source.Rule}' rejects every overlay: this can never be true"
                : $"'{source.Rule}' is unreachable: this can never be true");
        }

        JudgePins([.. sources.Where(source => source.Kind == RuleKind.Pin)], faults);
        JudgeFilters(sources, faults);
    }

    private static void JudgePins(RuleSource[] pins, DocumentFaults faults)
    {
        for (var later = 1; later < pins.Length; later++)
        {
            var earlier = Array.FindIndex(pins, 0, later, pin => CanHold(pins[later].Syntax) && Implies(pins[later].Syntax, pin.Syntax));
            if (earlier >= 0)
            {
                faults.Add(pins[later].Section,
                    $"this pin is unreachable: the one in line {pins[earlier].Section.Start.Line} takes every node that it matches");
            }
        }
    }

    private static void JudgeFilters(IReadOnlyList<RuleSource> sources, DocumentFaults faults)
    {
        var filters = sources.Where(source => source.Kind == RuleKind.Filter && CanHold(source.Syntax)).Select(filter => (
            Source: filter,
            When: sources.FirstOrDefault(source => source.Kind == RuleKind.Condition
                && ReferenceEquals(source.Section, filter.Section))?.Syntax)).ToArray();
        for (var i = 0; i < filters.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var applies = And(filters[i].When, filters[j].When);
                if ((applies is null || CanHold(applies))
                    && !CanHold(And(applies, And(filters[i].Source.Syntax, filters[j].Source.Syntax))!))
                {
                    faults.Add(filters[i].Source.At,
                        $"filters '{filters[j].Source.Rule}' and '{filters[i].Source.Rule}' contradict each other: no overlay passes both");
                }
            }
        }
    }

    /// <summary>False when no node and overlay can make it true.</summary>
    public static bool CanHold(PredicateSyntax syntax) =>
        Alternatives(syntax, isNegated: false) is not { } alternatives || alternatives.Exists(IsConsistent);

    private static bool Implies(PredicateSyntax one, PredicateSyntax other) =>
        !CanHold(new PredicateSyntax.And(one.At, one, new PredicateSyntax.Not(other.At, other)));

    private static PredicateSyntax? And(PredicateSyntax? one, PredicateSyntax? other) =>
        one is null ? other : other is null ? one : new PredicateSyntax.And(one.At, one, other);

    // Disjunctive normal form; null when it grows too large to be judged.
    private static List<Fact[]>? Alternatives(PredicateSyntax syntax, bool isNegated)
    {
        switch (syntax)
        {
            case PredicateSyntax.Not not:
                return Alternatives(not.Operand, !isNegated);
            case PredicateSyntax.And and:
                return Join(and.Left, and.Right, isNegated, isBoth: !isNegated);
            case PredicateSyntax.Or or:
                return Join(or.Left, or.Right, isNegated, isBoth: isNegated);
            case PredicateSyntax.Literal { Value: bool flag }:
                return flag != isNegated ? [[]] : [];
            default:
                return [[Fact.Of(syntax, isNegated)]];
        }
    }

    private static List<Fact[]>? Join(PredicateSyntax left, PredicateSyntax right, bool isNegated, bool isBoth)
    {
        if (Alternatives(left, isNegated) is not { } one || Alternatives(right, isNegated) is not { } other)
        {
            return null;
        }

        if (!isBoth)
        {
            return one.Count + other.Count <= AlternativesMax ? [.. one, .. other] : null;
        }

        return one.Count * other.Count <= AlternativesMax ? [.. one.SelectMany(a => other.Select(b => (Fact[])[.. a, .. b]))] : null;
    }

    private static bool IsConsistent(Fact[] facts) => facts.GroupBy(fact => fact.About, StringComparer.Ordinal).All(about =>
    {
        HashSet<string>? allowed = null;
        var (least, most) = (double.NegativeInfinity, double.PositiveInfinity);
        var (isYes, isNo) = (false, false);
        foreach (var fact in about)
        {
            if (fact.OneOf is not null && !fact.IsNegated)
            {
                allowed = allowed is null ? [.. fact.OneOf] : [.. allowed.Intersect(fact.OneOf, StringComparer.Ordinal)];
            }

            (least, most) = (Math.Max(least, fact.Least), Math.Min(most, fact.Most));
            (isYes, isNo) = (isYes || (fact.OneOf is null && !fact.IsNegated), isNo || (fact.OneOf is null && fact.IsNegated));
        }

        allowed?.ExceptWith(about.Where(fact => fact.IsNegated && fact.OneOf is not null).SelectMany(fact => fact.OneOf!));
        return allowed is not { Count: 0 } && least <= most && !(isYes && isNo);
    });

    /// <summary>
    /// One thing that a predicate says of one subject: that its value is among some, or within bounds, or a thing of its own.
    /// </summary>
    private sealed record Fact(string About, bool IsNegated, string[]? OneOf, double Least, double Most)
    {
        public static Fact Of(PredicateSyntax syntax, bool isNegated)
        {
            switch (syntax)
            {
                case PredicateSyntax.Compare { Operator: Comparison.Equal or Comparison.NotEqual,
                    Left: PredicateSyntax.Reference left, Right: PredicateSyntax.Literal right } compare:
                    return new Fact(Key(left), (compare.Operator == Comparison.NotEqual) != isNegated,
                        [AttributeBag.Text(right.Value)], double.NegativeInfinity, double.PositiveInfinity);
                case PredicateSyntax.In { Item: PredicateSyntax.Reference item, List: PredicateSyntax.Literal { Value: string[] list } }:
                    return new Fact(Key(item), isNegated, list, double.NegativeInfinity, double.PositiveInfinity);
                case PredicateSyntax.Compare { Left: PredicateSyntax.Reference left,
                    Right: PredicateSyntax.Literal { Value: double bound } } compare when !isNegated:
                    // Strict bounds are taken a step inwards, so that x < 1 and x > 1 do not meet.
                    return compare.Operator switch
                    {
                        Comparison.Less => new Fact($"{Key(left)} as number", true, [], double.NegativeInfinity,
                            double.BitDecrement(bound)),
                        Comparison.LessOrEqual => new Fact($"{Key(left)} as number", true, [], double.NegativeInfinity, bound),
                        Comparison.Greater =>
                            new Fact($"{Key(left)} as number", true, [], double.BitIncrement(bound), double.PositiveInfinity),
                        _ => new Fact($"{Key(left)} as number", true, [], bound, double.PositiveInfinity),
                    };
                default:
                    return new Fact(Write(syntax), isNegated, null, double.NegativeInfinity, double.PositiveInfinity);
            }
        }

        private static string Key(PredicateSyntax.Reference reference) => (reference.IsOverlay ? "overlay." : "node.") + reference.Name;

        // Equal texts are equal questions; different ones may be anything.
        private static string Write(PredicateSyntax syntax) => syntax switch
        {
            PredicateSyntax.Reference reference => Key(reference),
            PredicateSyntax.Literal literal => $"\"{AttributeBag.Text(literal.Value)}\"",
            PredicateSyntax.Compare compare => $"{Write(compare.Left)} {compare.Operator} {Write(compare.Right)}",
            PredicateSyntax.In contains => $"{Write(contains.Item)} in {Write(contains.List)}",
            PredicateSyntax.Present present => $"has({Write(present.Of)})",
            PredicateSyntax.Matches matches => $"matches({Write(matches.Text)}, {Write(matches.Pattern)})",
            _ => syntax.ToString(),
        };
    }
}
