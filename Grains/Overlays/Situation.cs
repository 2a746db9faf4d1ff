using ControlPlane.Overlays.Policies;

namespace ControlPlane.Overlays;

/// <summary>What a decision starts from, gathered once: the node's home, its groups, and where rules leave it no choice.</summary>
internal sealed class Situation
{
    private Situation(RegionLedger ledger, Applicant node) => (Ledger, Node) = (ledger, node);

    public RegionLedger Ledger { get; }

    public Applicant Node { get; }

    public PlacementPolicy Policy => Ledger.Policy;

    public OverlayEntry? Home { get; private init; }

    /// <summary>Where a place is held for it already.</summary>
    public OverlayEntry? Held { get; private init; }

    /// <summary>Where its groups count it now.</summary>
    public OverlayEntry? Counted => Held ?? Home;

    public IReadOnlyList<GroupMembership> Groups { get; private init; } = [];

    /// <summary>Each entry leaves one overlay; two that disagree leave none.</summary>
    public List<(OverlayEntry Overlay, int Rule)> Only { get; } = [];

    /// <summary>The pin that decided; null when none did.</summary>
    public PinRule? Pin { get; private set; }

    /// <summary>The group that decided; null when none did.</summary>
    public GroupEntry? Leader { get; private set; }

    /// <summary>Equal nodes of one group break ties alike, so a group that opens twice opens in one place.</summary>
    public string TieKey { get; private set; } = "";

    /// <summary>What the required groups that the node opens, or makes larger, ask for beyond the node itself.</summary>
    public int Declared { get; private set; }

    public static Situation Of(RegionLedger ledger, in Applicant node, PlacedNode? known)
    {
        var situation = new Situation(ledger, node)
        {
            Home = known?.Home is { } home ? ledger.Overlay(home) : null,
            Held = known?.LiveHold is { } hold ? ledger.Overlay(hold.Overlay) : null,
            Groups = ledger.Policy.GroupsOf(node),
        };
        situation.TieKey = node.Identity;
        situation.Restrict(known);
        return situation;
    }

    /// <summary>How many places the node takes in an overlay, counting those that its groups declare.</summary>
    public int NeedIn(OverlayEntry overlay)
    {
        var need = 1;
        var usesPromise = false;
        foreach (var membership in Groups)
        {
            var rule = Policy.Groups[membership.Rule];
            if (rule.Mode != GroupMode.Required || !Policy.Capacity.ReserveDeclared)
            {
                continue;
            }

            var declared = rule.DeclaredBy(Node);
            if (Ledger.Group(membership.Id) is not { } group)
            {
                need += Math.Max(0, declared - 1);
            }
            else if (ReferenceEquals(group.Lives, overlay))
            {
                usesPromise |= group.Promise > 0;
            }
        }

        return usesPromise ? need - 1 : need;
    }

    /// <summary>Whether a group of the node lives in an overlay, or a plan brings the node there.</summary>
    public bool BelongsIn(OverlayEntry overlay)
    {
        foreach (var only in Only)
        {
            if (only.Rule != RuleCode.Pin && ReferenceEquals(only.Overlay, overlay))
            {
                return true;
            }
        }

        foreach (var membership in Groups)
        {
            if (Policy.Groups[membership.Rule].Mode == GroupMode.Preferred
                && Ledger.Group(membership.Id) is { } group && ReferenceEquals(group.Lives, overlay))
            {
                return true;
            }
        }

        return false;
    }

    private void Restrict(PlacedNode? known)
    {
        // Isolated is not draining: what lives there stays, whatever else would have it.
        if (Home is { State: OverlayState.Isolated })
        {
            Only.Add((Home, RuleCode.Isolated));
            return;
        }

        if (known?.LiveHold is { Plan: not null } && Held is { State: OverlayState.Active, IsConfigured: true })
        {
            Only.Add((Held, RuleCode.Plan));
            return;
        }

        foreach (var pin in Policy.Pins)
        {
            if (pin.Match(Node, null))
            {
                Pin = pin;
                Only.Add((Ledger.Overlay(pin.Overlay) ?? Nowhere, RuleCode.Pin));
                return;
            }
        }

        foreach (var membership in Groups)
        {
            RestrictToGroup(membership);
        }
    }

    // A pin may name an overlay that the region has not (yet): no overlay equals this one, so all are rejected by the pin.
    private static readonly OverlayEntry Nowhere = new("", -1);

    private void RestrictToGroup(GroupMembership membership)
    {
        var rule = Policy.Groups[membership.Rule];
        if (rule.Mode != GroupMode.Required)
        {
            return;
        }

        var group = Ledger.Group(membership.Id);
        TieKey = TieKey == Node.Identity ? membership.Id : TieKey;
        Declared = Math.Max(Declared, Policy.Capacity.ReserveDeclared ? rule.DeclaredBy(Node) : 0);
        if (group?.Lives is not { } home)
        {
            return;
        }

        // The last member that is left of a group may go where it likes: it is the group.
        if (group.Members == 1 && Counted is not null && group.CountIn(Counted) == 1 && group.Target is null)
        {
            return;
        }

        // Retired and draining overlays empty by plans, group by group; until then a newcomer waits rather than splits the group,
        // unless nothing of the group will stay.
        Leader ??= group;
        Only.Add((home, RuleCode.Group(Policy, membership.Rule)));
    }
}
