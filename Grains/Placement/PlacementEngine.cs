using System.IO.Hashing;
using System.Text;
using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement;

/// <summary>
/// Chooses the overlay of a node. Pure: the same ledger, policy and node give the same decision, whatever the order of
/// overlays.
/// </summary>
internal static class PlacementEngine
{
    // What adding fractions in another order changes is far below it, so that equal sums are equal however the policy is written. A power
    // of two, because a share of places that ended in half a decimal step would still be rounded either way.
    private const double ScoreSteps = 1 << 20;

    /// <param name="ledger">Read only.</param>
    /// <param name="node">Who asks.</param>
    /// <param name="known">What the ledger holds of it; null for a newcomer.</param>
    /// <param name="chosen">The one overlay that someone other than the rules leaves; null when nobody does.</param>
    public static Decision Decide(RegionState ledger, in Applicant node, PlacedNode? known, Choice? chosen = null)
    {
        var situation = Situation.Of(ledger, node, known, chosen);
        var considered = new Considered[ledger.Overlays.Count];
        var best = -1;
        ulong bestTie = 0;
        for (var i = 0; i < considered.Length; i++)
        {
            var overlay = ledger.Overlays[i];
            var rejection = Reject(situation, overlay);
            considered[i] = rejection is { } by
                ? new Considered(overlay, by, 0)
                : new Considered(overlay, null, Score(situation, overlay));
            if (rejection is not null)
            {
                continue;
            }

            if (best < 0 || considered[i].Total > considered[best].Total)
            {
                (best, bestTie) = (i, 0);
            }
            else if (considered[i].Total.Equals(considered[best].Total))
            {
                // Hashed only on a tie: it costs more than the rest of the decision.
                bestTie = bestTie != 0 ? bestTie : Rendezvous(situation.TieKey, considered[best].Overlay.Name);
                var tie = Rendezvous(situation.TieKey, overlay.Name);
                if (tie > bestTie)
                {
                    (best, bestTie) = (i, tie);
                }
            }
        }

        return best >= 0
            ? new Decision(considered[best].Overlay, situation, considered)
            : Quarantine(ledger.Policy.Unplaceable, situation, considered) ?? new Decision(null, situation, considered);
    }

    /// <summary>The first rule that keeps the node out of an overlay; null when none does.</summary>
    public static Rejection? Reject(Situation situation, OverlayEntry overlay)
    {
        foreach (var only in situation.Only)
        {
            if (!ReferenceEquals(only.Overlay, overlay))
            {
                return new Rejection(only.Rule, 0, 0);
            }
        }

        if (!Accepts(situation, overlay))
        {
            return new Rejection(RuleCode.State, (int)overlay.State, 0);
        }

        var policy = situation.Policy;
        for (var i = 0; i < policy.Filters.Count; i++)
        {
            var filter = policy.Filters[i];
            if ((filter.When is null || filter.When(situation.Node, overlay)) && !filter.Require(situation.Node, overlay))
            {
                return new Rejection(RuleCode.Filter(i), 0, 0);
            }
        }

        return RejectSpread(situation, overlay) ?? RejectCapacity(situation, overlay);
    }

    private static bool Accepts(Situation situation, OverlayEntry overlay) => overlay.IsConfigured && overlay.State switch
    {
        OverlayState.Active => true,
        // It keeps what it has: a node that comes back is not a new one.
        OverlayState.Cordoned or OverlayState.Isolated => ReferenceEquals(overlay, situation.Home),
        _ => false,
    };

    private static Rejection? RejectSpread(Situation situation, OverlayEntry overlay)
    {
        foreach (var membership in situation.Groups)
        {
            var rule = situation.Policy.Groups[membership.Rule];
            if (rule.Mode != GroupMode.Spread || situation.Ledger.Group(membership.Id) is not { } group)
            {
                continue;
            }

            // The node itself does not stand in its own way, if it is one of them yet.
            var self = situation.IsIn(membership) ? situation.Counted : null;
            var least = int.MaxValue;
            foreach (var other in situation.Ledger.Overlays)
            {
                if (other is { State: OverlayState.Active, IsConfigured: true })
                {
                    least = Math.Min(least, CountAcross(group, rule, other, self));
                }
            }

            var here = CountAcross(group, rule, overlay, self);
            if (here + 1 - least > rule.MaxSkew)
            {
                return new Rejection(RuleCode.Group(situation.Policy, membership.Rule), here, least);
            }
        }

        return null;
    }

    private static int CountAcross(GroupEntry group, GroupRule rule, OverlayEntry overlay, OverlayEntry? self)
    {
        var count = 0;
        foreach (var place in group.Places)
        {
            var isSame = rule.AcrossLabel is { } label
                ? place.Overlay.Labels.GetValueOrDefault(label) == overlay.Labels.GetValueOrDefault(label)
                : ReferenceEquals(place.Overlay, overlay);
            count += isSame ? place.Count - (ReferenceEquals(place.Overlay, self) ? 1 : 0) : 0;
        }

        return count;
    }

    private static Rejection? RejectCapacity(Situation situation, OverlayEntry overlay)
    {
        if (ReferenceEquals(overlay, situation.Home) || ReferenceEquals(overlay, situation.Held))
        {
            var change = situation.ChangeIn(overlay);
            return change > 0 && overlay.Committed + change > overlay.HardLimit
                ? new Rejection(RuleCode.HardLimit, overlay.Committed + change, overlay.HardLimit)
                : null;
        }

        var need = situation.NeedIn(overlay);

        // A place that was promised is kept, also where nodes that changed their group left more promises than there are places.
        if (overlay.Load + 1 > overlay.HardLimit || (need > 0 && overlay.Committed + need > overlay.HardLimit))
        {
            return new Rejection(RuleCode.HardLimit, Math.Max(overlay.Load + 1, overlay.Committed + need), overlay.HardLimit);
        }

        // Members of groups that live here may use what is left above the soft limit; a plan's target was checked by the plan.
        return overlay.Committed + need > overlay.SoftLimit && !situation.BelongsIn(overlay)
            ? new Rejection(RuleCode.SoftLimit, overlay.Committed + need, overlay.SoftLimit)
            : null;
    }

    private static double Score(Situation situation, OverlayEntry overlay)
    {
        var total = 0.0;
        foreach (var rule in situation.Policy.Scores)
        {
            total += Score(situation, overlay, rule);
        }

        foreach (var membership in situation.Groups)
        {
            var rule = situation.Policy.Groups[membership.Rule];
            if (rule.Mode == GroupMode.Preferred)
            {
                total += ScoreGroup(situation.Ledger.Group(membership.Id), rule, overlay);
            }
        }

        return Math.Round(total * ScoreSteps) / ScoreSteps;
    }

    private static double Score(Situation situation, OverlayEntry overlay, ScoreRule rule)
    {
        if (rule.When is not null && !rule.When(situation.Node, overlay))
        {
            return 0;
        }

        return rule.Function switch
        {
            ScoreFunction.Headroom => rule.Weight * Math.Max(0, overlay.SoftLimit - overlay.Committed) / Math.Max(1, overlay.SoftLimit),
            ScoreFunction.Sticky => ReferenceEquals(overlay, situation.Home) ? rule.Weight : 0,
            _ => rule.Prefer!(situation.Node, overlay) ? rule.Weight : 0,
        };
    }

    private static double ScoreGroup(GroupEntry? group, GroupRule rule, OverlayEntry overlay) =>
        group is null || group.Members == 0 ? 0
        : ReferenceEquals(group.Lives, overlay) ? rule.Weight
        : rule.Weight * group.CountIn(overlay) / group.Members;

    private static Decision? Quarantine(UnplaceableRule rule, Situation situation, Considered[] considered) =>
        rule is { Action: UnplaceableAction.Quarantine, Overlay: { } name }
        && situation.Ledger.Overlay(name) is { State: OverlayState.Active, IsConfigured: true } overlay
        && (ReferenceEquals(overlay, situation.Home) || ReferenceEquals(overlay, situation.Held)
            || overlay.Committed + 1 <= overlay.HardLimit)
            ? new Decision(overlay, situation, considered) { IsQuarantine = true }
            : null;

    /// <summary>Highest random weight: each overlay's figure depends on itself and the key only, so adding one moves few.</summary>
    private static ulong Rendezvous(string key, string overlay)
    {
        Span<byte> bytes = stackalloc byte[512];
        var text = $"{key}\n{overlay}";
        return Encoding.UTF8.TryGetBytes(text, bytes, out var length)
            ? XxHash3.HashToUInt64(bytes[..length])
            : XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(text));
    }
}
