using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement.Plans;

/// <summary>Where the members of spread groups would be after the moves of a draft.</summary>
internal sealed class SpreadTally(RegionState ledger)
{
    private readonly Dictionary<(string Group, OverlayEntry Overlay), int> changes = [];
    private readonly bool isNeeded = ledger.Policy.Groups.Any(rule => rule.Mode == GroupMode.Spread);

    /// <summary>Whether nodes that leave one overlay may join another, all of them.</summary>
    public bool Accepts(IReadOnlyList<PlacedNode> nodes, OverlayEntry? from, OverlayEntry to)
    {
        if (!isNeeded)
        {
            return true;
        }

        foreach (var (membership, joining) in MembershipsOf(nodes))
        {
            var rule = ledger.Policy.Groups[membership.Rule];
            var least = int.MaxValue;
            foreach (var overlay in ledger.Overlays)
            {
                if (overlay is { State: OverlayState.Active, IsConfigured: true })
                {
                    least = Math.Min(least, CountAcross(membership.Id, rule, overlay, from, joining));
                }
            }

            if (CountAcross(membership.Id, rule, to, from, joining) + joining - least > rule.MaxSkew)
            {
                return false;
            }
        }

        return true;
    }

    public void Move(IReadOnlyList<PlacedNode> nodes, OverlayEntry from, OverlayEntry to)
    {
        foreach (var (membership, moving) in isNeeded ? MembershipsOf(nodes) : [])
        {
            changes[(membership.Id, from)] = changes.GetValueOrDefault((membership.Id, from)) - moving;
            changes[(membership.Id, to)] = changes.GetValueOrDefault((membership.Id, to)) + moving;
        }
    }

    private Dictionary<GroupMembership, int> MembershipsOf(IReadOnlyList<PlacedNode> nodes)
    {
        var memberships = new Dictionary<GroupMembership, int>();
        foreach (var node in nodes)
        {
            foreach (var membership in ledger.Policy.GroupsOf(ledger.ApplicantOf(node)))
            {
                if (ledger.Policy.Groups[membership.Rule].Mode == GroupMode.Spread)
                {
                    memberships[membership] = memberships.GetValueOrDefault(membership) + 1;
                }
            }
        }

        return memberships;
    }

    // Those that leave do not stand in their own way.
    private int CountAcross(string id, GroupRule rule, OverlayEntry overlay, OverlayEntry? from, int leaving)
    {
        var count = 0;
        foreach (var other in ledger.Overlays)
        {
            var isSame = rule.AcrossLabel is { } label
                ? other.Labels.GetValueOrDefault(label) == overlay.Labels.GetValueOrDefault(label)
                : ReferenceEquals(other, overlay);
            if (isSame)
            {
                count += (ledger.Group(id)?.CountIn(other) ?? 0) + changes.GetValueOrDefault((id, other))
                    - (ReferenceEquals(other, from) ? leaving : 0);
            }
        }

        return count;
    }
}
