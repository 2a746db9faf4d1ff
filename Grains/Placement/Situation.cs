using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement;

/// <summary>What a decision starts from, gathered once: the node's home, its groups, and where rules leave it no choice.</summary>
internal sealed class Situation
{
    private int declared;
    private int knownDeclared;
    private bool isAsBefore;
    private int declaredMax = int.MaxValue;
    private IReadOnlyList<GroupMembership> counted = [];
    private string? tieKey;

    private Situation(RegionState ledger, Applicant node) => (Ledger, Node) = (ledger, node);

    public RegionState Ledger { get; }

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

    /// <summary>What someone other than the rules chose; null when nobody did.</summary>
    public Choice? Choice { get; private set; }

    /// <summary>
    /// Equal nodes of one group break ties alike, so a group that opens twice opens in one place. What rules are called, and in which order
    /// they stand, has no part in it.
    /// </summary>
    public string TieKey => tieKey ??= FindTieKey();

    public static Situation Of(RegionState ledger, in Applicant node, PlacedNode? known, Choice? chosen = null)
    {
        var situation = new Situation(ledger, node)
        {
            Home = known?.Home is { } home ? ledger.Overlay(home) : null,
            Held = known?.LiveHold is { } hold ? ledger.Overlay(hold.Overlay) : null,
            Groups = ledger.Policy.GroupsOf(node),
        };
        situation.knownDeclared = known?.Declared ?? 0;
        situation.isAsBefore = known?.Attributes == node.Attributes.Json;
        situation.counted = known?.Place is null ? [] : ledger.Policy.GroupsOf(ledger.ApplicantOf(known));
        situation.Restrict(known);
        if (chosen is not null)
        {
            situation.Choice = chosen;
            situation.Only.Insert(0, (chosen.Overlay, chosen.Rule));
        }

        return situation;
    }

    /// <summary>How many places the node takes in an overlay, counting those that its groups keep there for members to come.</summary>
    public int NeedIn(OverlayEntry overlay)
    {
        var need = 1;
        foreach (var membership in Groups)
        {
            var rule = Policy.Groups[membership.Rule];
            if (rule.Mode != GroupMode.Required || !Policy.Capacity.ReserveDeclared)
            {
                continue;
            }

            var isIn = IsIn(membership);
            if (Ledger.Group(membership.Id) is not { } group)
            {
                need += PromiseOf(rule);
            }
            else if (ReferenceEquals(group.Lives, overlay))
            {
                need -= group.Promise > 0 && !isIn ? 1 : 0;
            }
            else if (isIn && group.Members == 1)
            {
                // The group's home comes along.
                need += PromiseOf(rule);
            }
            else
            {
                // Nothing of the group is where nodes may stay: it lives where this node goes.
                need += isIn ? group.Promise : Math.Max(0, group.Promise - 1);
            }
        }

        return need;
    }

    /// <summary>The size to promise the node's groups when it is placed in an overlay: never more than there is room for.</summary>
    public int DeclaredIn(OverlayEntry overlay)
    {
        if (!ReferenceEquals(overlay, Home) && !ReferenceEquals(overlay, Held))
        {
            return Declared;
        }

        if (isAsBefore)
        {
            return knownDeclared;
        }

        if (counted.Count > 0 && Groups.All(IsIn))
        {
            // It may declare more than before, and what its group was promised when it came may have been given to others.
            return Math.Min(knownDeclared, Declared);
        }

        // A node that comes back is not turned away because it tells of other things now; a new group of it is promised what is free.
        var free = Math.Max(0, overlay.HardLimit - overlay.Committed - ChangeIn(overlay));
        return Math.Min(Declared, (free / Math.Max(1, Groups.Count)) + 1);
    }

    /// <summary>Whether the node is counted as a member already.</summary>
    public bool IsIn(GroupMembership membership)
    {
        foreach (var own in counted)
        {
            if (own.Id == membership.Id)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// How many places more are taken in the overlay where the node is when it only tells of other groups: those that it leaves expect
    /// another in its stead, one that it joins expected it.
    /// </summary>
    public int ChangeIn(OverlayEntry overlay)
    {
        if (!Policy.Capacity.ReserveDeclared || !ReferenceEquals(overlay, Counted))
        {
            return 0;
        }

        var change = 0;
        foreach (var left in counted.Where(left => Groups.All(group => group.Id != left.Id)))
        {
            change += Required(left) is { Members: > 1 } group && ReferenceEquals(group.Lives, overlay) && group.Members <= group.Declared
                ? 1 : 0;
        }

        foreach (var joined in Groups.Where(joined => !IsIn(joined)))
        {
            change -= Required(joined) is { Promise: > 0 } group && ReferenceEquals(group.Lives, overlay) ? 1 : 0;
        }

        return change;
    }

    private GroupEntry? Required(GroupMembership membership) =>
        Policy.Groups[membership.Rule].Mode == GroupMode.Required ? Ledger.Group(membership.Id) : null;

    /// <summary>Whether a group of the node lives in an overlay, or a plan brings the node there.</summary>
    public bool BelongsIn(OverlayEntry overlay)
    {
        foreach (var only in Only)
        {
            if (only.Rule is not (RuleCode.Pin or RuleCode.External) && ReferenceEquals(only.Overlay, overlay))
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

    private int Declared => Math.Min(declared, declaredMax);

    // What a group that begins with this node will be promised besides its place.
    private int PromiseOf(GroupRule rule) => Math.Max(0, Math.Min(Declared, rule.DeclaredBy(Node)) - 1);

    private string FindTieKey()
    {
        string? least = null;
        foreach (var membership in Groups)
        {
            var rule = Policy.Groups[membership.Rule];
            if (rule.Mode == GroupMode.Required && membership.Id[rule.Name.Length..] is var key
                && (least is null || string.CompareOrdinal(key, least) < 0))
            {
                least = key;
            }
        }

        return least ?? Node.Identity;
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

                // Its groups go on to bind it: a pin does not split them.
                break;
            }
        }

        foreach (var membership in Groups)
        {
            RestrictToGroup(membership);
        }
    }

    // The first member's word counts. Later ones cannot make the promise larger: nobody looked whether there is room for that.
    private void Declare(GroupRule rule, GroupEntry? group)
    {
        var own = rule.DeclaredBy(Node);
        declared = Math.Max(declared, Math.Min(own, group?.Declared ?? own));
        declaredMax = group?.Declared < own ? Math.Min(declaredMax, group.Declared) : declaredMax;
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
        Declare(rule, group);
        if (group is null && Ledger.MissesOverlays)
        {
            // Opened here, it would be split as soon as the overlay where it lives answers.
            Only.Add((Nowhere, RuleCode.Unlisted));
            return;
        }

        if (group?.Lives is not { } home)
        {
            return;
        }

        // The last member that is left of a group may go where it likes: it is the group.
        if (group.Members == 1 && IsIn(membership) && group.Target is null)
        {
            return;
        }

        // A draining overlay empties by a plan, group by group; until then a newcomer waits rather than splits the group.
        Leader ??= group;
        Only.Add((home, RuleCode.Group(Policy, membership.Rule)));
    }
}
