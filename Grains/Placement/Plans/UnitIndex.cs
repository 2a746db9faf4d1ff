using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement.Plans;

/// <summary>Cuts the nodes of some overlays into units. Groups that share a node are one component: they cannot be apart.</summary>
internal sealed class UnitIndex
{
    private readonly Dictionary<string, string> parents = new(StringComparer.Ordinal);

    private UnitIndex()
    {
    }

    /// <param name="ledger">Read only.</param>
    /// <param name="isWanted">Which overlays' nodes are asked for. Nodes with a place held are left out: they are on their way.</param>
    public static List<MoveUnit> Of(RegionState ledger, Func<OverlayEntry, bool> isWanted)
    {
        var index = new UnitIndex();
        index.Join(ledger);
        var units = new Dictionary<(string Component, OverlayEntry From), MoveUnit>();
        var singles = new List<MoveUnit>();
        foreach (var node in ledger.AllNodes())
        {
            if (node.Home is null || node.LiveHold is not null || ledger.Overlay(node.Home) is not { } from || !isWanted(from))
            {
                continue;
            }

            if (index.ComponentOf(ledger, node) is not { } component)
            {
                var single = new MoveUnit("", from);
                single.Members.Add(node);
                singles.Add(single);
                continue;
            }

            if (!units.TryGetValue((component, from), out var unit))
            {
                units[(component, from)] = unit = new MoveUnit(component, from);
            }

            unit.Members.Add(node);
        }

        index.Name(ledger, units.Values);

        singles.Sort((one, other) => string.CompareOrdinal(one.Members[0].Identity, other.Members[0].Identity));
        return [.. units.Values.OrderByDescending(unit => unit.Size).ThenBy(unit => unit.First, StringComparer.Ordinal), .. singles];
    }

    private void Join(RegionState ledger)
    {
        var rules = ledger.Policy.Groups;
        if (rules.Count(rule => rule.Mode == GroupMode.Required) < 2)
        {
            return;
        }

        foreach (var node in ledger.AllNodes())
        {
            string? first = null;
            foreach (var membership in ledger.Policy.GroupsOf(ledger.ApplicantOf(node)))
            {
                if (rules[membership.Rule].Mode == GroupMode.Required)
                {
                    // The least name is the root, whoever came first.
                    var root = Root(membership.Id);
                    first = first is null ? root : Root(first);
                    var least = string.CompareOrdinal(root, first) < 0 ? root : first;
                    (parents[root], parents[first]) = (least, least);
                    first = least;
                }
            }
        }
    }

    private string? ComponentOf(RegionState ledger, PlacedNode node)
    {
        foreach (var membership in ledger.Policy.GroupsOf(ledger.ApplicantOf(node)))
        {
            if (ledger.Policy.Groups[membership.Rule].Mode == GroupMode.Required)
            {
                return Root(membership.Id);
            }
        }

        return null;
    }

    private string Root(string id)
    {
        while (parents.TryGetValue(id, out var parent) && parent != id)
        {
            // Path halving keeps chains short.
            if (parents.TryGetValue(parent, out var grandparent))
            {
                parents[id] = grandparent;
            }

            id = parent;
        }

        return id;
    }

    private void Name(RegionState ledger, IEnumerable<MoveUnit> units)
    {
        var promises = new Dictionary<(string Root, OverlayEntry Home), int>();
        var joined = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var group in ledger.Groups)
        {
            if (ledger.Policy.Groups[group.Rule].Mode == GroupMode.Required)
            {
                var root = Root(group.Id);
                if (group.Lives is { } home)
                {
                    promises[(root, home)] = promises.GetValueOrDefault((root, home)) + group.Promise;
                }

                joined[root] = joined.GetValueOrDefault(root) + 1;
            }
        }

        foreach (var unit in units)
        {
            unit.Promise = promises.GetValueOrDefault((unit.Group, unit.From));
            unit.Group += joined.GetValueOrDefault(unit.Group) is > 1 and var count ? $" and {count - 1} linked groups" : "";
        }
    }
}
