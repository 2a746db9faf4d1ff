namespace ControlPlane.Placement.Plans;

/// <summary>Finds few moves that reach an end. Pure: the same ledger and request give the same plan.</summary>
internal static class PlanMaker
{
    /// <summary>How far above the mean an overlay may be after an expansion.</summary>
    public const double ExpandSkew = 1.05;

    public static PlanDraft Make(RegionState ledger, PlanKind kind, OverlayEntry? overlay)
    {
        var draft = new PlanDraft(ledger);
        switch (kind)
        {
            case PlanKind.Drain or PlanKind.Retire:
                Empty(draft, UnitIndex.Of(ledger, from => ReferenceEquals(from, overlay)));
                break;
            case PlanKind.Regroup:
                Regroup(ledger, draft);
                break;
            case PlanKind.Expand:
                Level(ledger, draft, ExpandSkew);
                break;
            default:
                Level(ledger, draft, ledger.Policy.Rebalance.MaxSkew);
                break;
        }

        return draft;
    }

    private static void Empty(PlanDraft draft, List<MoveUnit> units)
    {
        draft.LowerBound = units.Sum(unit => unit.Size);
        foreach (var unit in units)
        {
            draft.MoveToEmptiest(unit, overlay => overlay.HardLimit);
        }
    }

    // Every overlay above its share gives the smallest set of units that brings it to its share.
    private static void Level(RegionState ledger, PlanDraft draft, double skew)
    {
        var load = draft.Receivers.Sum(overlay => (double)overlay.Load);
        var capacity = draft.Receivers.Sum(overlay => (double)overlay.SoftLimit);
        int ShareOf(OverlayEntry overlay) => (int)Math.Floor(skew * load / Math.Max(1, capacity) * overlay.SoftLimit);

        draft.LowerBound = draft.Receivers.Sum(overlay => Math.Max(0, overlay.Load - ShareOf(overlay)));
        var units = UnitIndex.Of(ledger, from => from.State == OverlayState.Active && from.Load > ShareOf(from));
        var chosen = new List<MoveUnit>();
        foreach (var from in units.GroupBy(unit => unit.From))
        {
            var movable = from.Where(unit => draft.Receivers.Any(to => to.Load < ShareOf(to) && draft.Accepts(unit, to))).ToList();
            var excess = from.Key.Load - ShareOf(from.Key);
            var giving = UnitChoice.AtLeast(movable, excess);
            draft.Leave(Math.Max(0, excess - giving.Sum(unit => unit.Size)));
            chosen.AddRange(giving);
        }

        foreach (var unit in chosen.OrderByDescending(unit => unit.Size).ThenBy(unit => unit.First, StringComparer.Ordinal))
        {
            draft.MoveToEmptiest(unit, ShareOf);
        }
    }

    private static void Regroup(RegionState ledger, PlanDraft draft)
    {
        var units = UnitIndex.Of(ledger, from => from.State is not OverlayState.Isolated);
        foreach (var parts in units.Where(unit => unit.Group.Length > 0).GroupBy(unit => unit.Group, StringComparer.Ordinal))
        {
            if (parts.Count() > 1 || !parts.All(part => part.Members.TrueForAll(node => draft.Accepts(node, part.From))))
            {
                Gather(draft, [.. parts]);
            }
        }

        foreach (var single in units.Where(unit => unit.Group.Length == 0 && !draft.Accepts(unit.Members[0], unit.From)))
        {
            draft.LowerBound++;
            draft.MoveToEmptiest(single, overlay => overlay.HardLimit);
        }
    }

    // Where most of the group is, if the rest may join it there; else wherever all of it may go with the fewest moves.
    private static void Gather(PlanDraft draft, MoveUnit[] parts)
    {
        var size = parts.Sum(part => part.Size);
        var members = parts.SelectMany(part => part.Members).ToArray();
        draft.LowerBound += size - parts.Max(part => Array.TrueForAll(members, node => draft.Accepts(node, part.From)) ? part.Size : 0);
        var home = draft.Receivers
            .Select(overlay => (Overlay: overlay, Here: parts.FirstOrDefault(part => ReferenceEquals(part.From, overlay))?.Size ?? 0))
            .Where(place => draft.CommittedOf(place.Overlay) + parts.Where(part => !ReferenceEquals(part.From, place.Overlay))
                .Sum(part => part.Size + part.Promise) <= place.Overlay.HardLimit)
            .OrderByDescending(place => place.Here).ThenBy(place => draft.LoadOf(place.Overlay))
                .ThenBy(place => place.Overlay.Name, StringComparer.Ordinal)
            .FirstOrDefault(place => Array.TrueForAll(members, node => draft.Accepts(node, place.Overlay))).Overlay;
        foreach (var part in parts.Where(part => !ReferenceEquals(part.From, home)))
        {
            // What is in the way of one node alone may not be all that is in the way of many.
            if (home is null || !draft.Accepts(part, home))
            {
                draft.Leave(part.Size);
            }
            else
            {
                draft.Move(part, home);
            }
        }
    }
}
