using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement;

/// <summary>What was decided, and why. <paramref name="Overlay"/> is null when no overlay may take the node.</summary>
internal sealed record Decision(OverlayEntry? Overlay, Situation Situation, Considered[] Considered)
{
    /// <summary>It found no place by the rules and goes where the policy sends the unplaceable.</summary>
    public bool IsQuarantine { get; init; }

    /// <summary>
    /// The size to promise the node's groups. None by a quarantine: there was one place to be found for it, and nobody looked for more.
    /// </summary>
    public int Declared => Overlay is null || (IsQuarantine && !ReferenceEquals(Overlay, Situation.Counted)) ? 0
        : Situation.DeclaredIn(Overlay);

    public int Candidates
    {
        get
        {
            var count = 0;
            foreach (ref readonly var overlay in Considered.AsSpan())
            {
                count += overlay.By is null ? 1 : 0;
            }

            return count;
        }
    }

    /// <summary>In an operator's words.</summary>
    public string Reason()
    {
        if (Overlay is null)
        {
            return RuleCode.Summary(Situation.Policy, Considered);
        }

        if (IsQuarantine)
        {
            return $"no overlay may take it ({RuleCode.Summary(Situation.Policy, Considered)}); quarantined";
        }

        foreach (var (_, rule) in Situation.Only)
        {
            return rule switch
            {
                RuleCode.Plan => "moved here by a plan",
                RuleCode.Isolated => "lives in this isolated overlay: no moves out",
                RuleCode.External or RuleCode.LeaderLost => Situation.Choice!.Reason,
                RuleCode.Pin => $"pinned: {Situation.Pin!.Reason}",
                _ => $"group {Situation.Leader!.Id} lives here",
            };
        }

        var candidates = Candidates;
        return ReferenceEquals(Overlay, Situation.Home) ? "stays where it was"
            : candidates == 1 ? "the only overlay that may take it"
            : $"the best of {candidates} overlays";
    }
}

/// <summary>An overlay that someone other than the rules chose; the rules may still reject it.</summary>
/// <param name="Overlay">Which.</param>
/// <param name="Rule">Who: a <see cref="RuleCode"/>.</param>
/// <param name="Reason">Why, in a sentence.</param>
internal sealed record Choice(OverlayEntry Overlay, int Rule, string Reason);

/// <summary>One overlay that a decision looked at.</summary>
/// <param name="Overlay">Which.</param>
/// <param name="By">What rejected it; null for a candidate.</param>
/// <param name="Total">A candidate's score.</param>
internal readonly record struct Considered(OverlayEntry Overlay, Rejection? By, double Total);

/// <param name="Rule">A <see cref="RuleCode"/>.</param>
/// <param name="Found">The figure that broke the rule: a load, a count, a state's number.</param>
/// <param name="Limit">The figure that it broke.</param>
internal readonly record struct Rejection(int Rule, int Found, int Limit);

/// <summary>The rules of one policy version by number: those built in, then its filters, then its groups.</summary>
internal static class RuleCode
{
    public const int State = 0;
    public const int SoftLimit = 1;
    public const int HardLimit = 2;
    public const int Pin = 3;
    public const int Plan = 4;
    public const int Isolated = 5;
    public const int External = 6;
    public const int LeaderLost = 7;
    public const int Unlisted = 8;
    private const int FirstOfPolicy = 16;

    public static int Filter(int index) => FirstOfPolicy + index;

    public static int Group(PlacementPolicy policy, int index) => FirstOfPolicy + policy.Filters.Count + index;

    public static string Name(PlacementPolicy policy, int code) => code switch
    {
        State => "state",
        SoftLimit => "capacity.softLimit",
        HardLimit => "capacity.hardLimit",
        Pin => "pin",
        Plan => "plan",
        Isolated => "isolated",
        External => "external",
        LeaderLost => "leaderLost",
        Unlisted => "unlisted",
        _ when code - FirstOfPolicy < policy.Filters.Count => policy.Filters[code - FirstOfPolicy].Name,
        _ when code - FirstOfPolicy - policy.Filters.Count < policy.Groups.Count =>
            policy.Groups[code - FirstOfPolicy - policy.Filters.Count].Name,
        _ => "unknown",
    };

    /// <summary>
    /// How many overlays each rule rejected, e.g. <c>no overlay may take it: capacity.softLimit rejects 3, same-site rejects
    /// 2</c>.
    /// </summary>
    public static string Summary(PlacementPolicy policy, IReadOnlyCollection<Considered> considered)
    {
        var parts = considered.Where(overlay => overlay.By is not null)
            .GroupBy(overlay => Name(policy, overlay.By!.Value.Rule))
            .OrderByDescending(rule => rule.Count()).ThenBy(rule => rule.Key, StringComparer.Ordinal)
            .Select(rule => $"{rule.Key} rejects {rule.Count()}");
        return considered.Count == 0 ? "the region has no overlay" : $"no overlay may take it: {string.Join(", ", parts)}";
    }
}
