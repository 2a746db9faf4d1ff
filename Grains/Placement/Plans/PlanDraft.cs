using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement.Plans;

/// <summary>A plan while it is made: loads as they would be, and the moves so far.</summary>
internal sealed class PlanDraft
{
    private const int SinglesPerMove = 256;

    private readonly RegionState ledger;
    private readonly Dictionary<OverlayEntry, (int Load, int Committed, int Peak)> loads = [];
    private readonly List<(MoveUnit Unit, OverlayEntry To)> moves = [];
    private readonly Dictionary<(AttributeBag, OverlayEntry), bool> accepted = [];
    private readonly SpreadTally spread;

    public PlanDraft(RegionState ledger)
    {
        this.ledger = ledger;
        spread = new SpreadTally(ledger);
        foreach (var overlay in ledger.Overlays)
        {
            loads[overlay] = (overlay.Load, overlay.Committed, overlay.Load);
        }

        Receivers = [.. ledger.Overlays.Where(overlay => overlay is { State: OverlayState.Active, IsConfigured: true })];
    }

    public IReadOnlyList<OverlayEntry> Receivers { get; }

    public int Unplaced { get; private set; }

    public int LowerBound { get; set; }

    public int LoadOf(OverlayEntry overlay) => loads[overlay].Load;

    public int CommittedOf(OverlayEntry overlay) => loads[overlay].Committed;

    /// <summary>Whether the rules let a unit into an overlay, whatever room there is.</summary>
    public bool Accepts(MoveUnit unit, OverlayEntry overlay)
    {
        if (ReferenceEquals(unit.From, overlay))
        {
            return false;
        }

        // Members of a unit are mostly alike, and only pins and few filters look at more than attributes.
        string? last = null;
        foreach (var node in unit.Members)
        {
            if ((ledger.Policy.Pins.Count > 0 || ledger.Policy.FiltersByIdentity || !ReferenceEquals(node.Attributes, last))
                && !AcceptsAlone(node, overlay))
            {
                return false;
            }

            last = node.Attributes;
        }

        return spread.Accepts(unit.Members, unit.From, overlay);
    }

    /// <summary>Whether the rules let a node into an overlay, whatever room there is.</summary>
    public bool Accepts(PlacedNode node, OverlayEntry overlay) => AcceptsAlone(node, overlay)
        && spread.Accepts([node], ledger.Overlay(node.Home ?? ""), overlay);

    private bool AcceptsAlone(PlacedNode node, OverlayEntry overlay)
    {
        var applicant = ledger.ApplicantOf(node);
        foreach (var pin in ledger.Policy.Pins)
        {
            if (pin.Match(applicant, null))
            {
                return pin.Overlay == overlay.Name;
            }
        }

        if (ledger.Policy.FiltersByIdentity)
        {
            return PassesFilters(applicant, overlay);
        }

        if (!accepted.TryGetValue((applicant.Attributes, overlay), out var accepts))
        {
            accepted[(applicant.Attributes, overlay)] = accepts = PassesFilters(applicant, overlay);
        }

        return accepts;
    }

    private bool PassesFilters(in Applicant applicant, OverlayEntry overlay)
    {
        foreach (var filter in ledger.Policy.Filters)
        {
            if ((filter.When is null || filter.When(applicant, overlay)) && !filter.Require(applicant, overlay))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Moves a unit to the emptiest overlay that may take it, up to a limit of its own for each overlay.</summary>
    /// <returns>False, and counted as unplaced, when there is none.</returns>
    public bool MoveToEmptiest(MoveUnit unit, Func<OverlayEntry, int> limit)
    {
        OverlayEntry? best = null;
        var bestShare = double.MaxValue;
        foreach (var overlay in Receivers)
        {
            var (load, committed, _) = loads[overlay];
            var share = (double)committed / Math.Max(1, overlay.SoftLimit);
            if (share < bestShare && load + unit.Size <= limit(overlay)
                && committed + unit.Size + unit.Promise <= overlay.HardLimit && Accepts(unit, overlay))
            {
                (best, bestShare) = (overlay, share);
            }
        }

        if (best is null)
        {
            Unplaced += unit.Size;
            return false;
        }

        Move(unit, best);
        return true;
    }

    /// <summary>Counts nodes that should move and stay, because nowhere may take them.</summary>
    public void Leave(int nodes) => Unplaced += nodes;

    public void Move(MoveUnit unit, OverlayEntry to)
    {
        var (load, committed, peak) = loads[to];
        loads[to] = (load + unit.Size, committed + unit.Size + unit.Promise, Math.Max(peak, load + unit.Size));
        var (fromLoad, fromCommitted, fromPeak) = loads[unit.From];
        loads[unit.From] = (fromLoad - unit.Size, fromCommitted - unit.Size - unit.Promise, fromPeak);
        spread.Move(unit.Members, unit.From, to);
        moves.Add((unit, to));
    }

    public PlacementPlan Finish(string id, PlanRequest request, string actor, DateTimeOffset now)
    {
        var current = ledger.Overlays.ToDictionary(overlay => overlay, overlay => overlay.Load);
        var planned = new List<PlannedMove>();
        foreach (var (group, from, to, identities) in Bundles())
        {
            current[from] -= identities.Length;
            current[to] += identities.Length;
            planned.Add(new PlannedMove(group, from.Name, to.Name, identities, current[from], current[to]));
        }

        var nodes = planned.Sum(move => move.Identities.Count);
        return new PlacementPlan(
            id, request.Kind, request.Overlay, ledger.Policy.Version, ledger.Sequence, now, actor, planned, nodes, LowerBound,
            [.. ledger.Overlays.Where(overlay => overlay.IsConfigured || overlay.Load > 0).Select(overlay =>
                new OverlayPeak(overlay.Name, overlay.Load, loads[overlay].Peak, loads[overlay].Load, overlay.HardLimit))],
            Unplaced,
            TimeSpan.FromMinutes(Math.Ceiling((double)nodes / ledger.Policy.Rebalance.MaxMovesPerMinute)),
            request.Reason);
    }

    // Groups one by one, then single nodes in handfuls that go the same way.
    private IEnumerable<(string Group, OverlayEntry From, OverlayEntry To, string[] Identities)> Bundles()
    {
        foreach (var (unit, to) in moves.Where(move => move.Unit.Group.Length > 0))
        {
            // Shards hold nodes in the order of their arrival; a plan must not depend on it.
            yield return (unit.Group, unit.From, to, [.. unit.Members.Select(node => node.Identity).Order(StringComparer.Ordinal)]);
        }

        foreach (var way in moves.Where(move => move.Unit.Group.Length == 0).GroupBy(move => (move.Unit.From, move.To)))
        {
            foreach (var handful in way.Chunk(SinglesPerMove))
            {
                yield return ("", way.Key.From, way.Key.To, [.. handful.Select(move => move.Unit.Members[0].Identity)]);
            }
        }
    }
}
