using ControlPlane.Nodes;

namespace ControlPlane.Chaos;

/// <summary>Invariants 1 and 2: how every node stands, and what an enrolled one holds.</summary>
internal static class RestCheck
{
    public static (int Checked, IEnumerable<Violation> Violations) Stages(FleetFacts facts)
    {
        var listed = facts.Roster.Select(entry => entry.Identity).ToHashSet(StringComparer.Ordinal);
        var unheard = facts.Nodes.Where(node => node.AnnouncedAt is not null && !listed.Contains(node.Identity))
            .Select(node => new Violation(1, node.Identity, "announced itself and is unknown"));
        var stuck =
            from entry in facts.Roster
            let fault = entry.Stage switch
            {
                NodeStage.Enrolled => null,
                NodeStage.Quarantined or NodeStage.Deferred or NodeStage.Silent when string.IsNullOrEmpty(entry.Reason) =>
                    $"is {entry.Stage} without a reason",
                NodeStage.Deferred or NodeStage.Silent when entry.DueAt is null => $"is {entry.Stage} and will never be tried again",
                NodeStage.Quarantined or NodeStage.Deferred or NodeStage.Silent => null,
                _ => $"is stuck at {entry.Stage}",
            }
            where fault is not null
            select new Violation(1, entry.Identity, fault);
        return (facts.Roster.Count, unheard.Concat(stuck));
    }

    public static (int Checked, IEnumerable<Violation> Violations) Credentials(FleetFacts facts)
    {
        var faults = Verification.Faults(facts.Nodes, facts.Roster, facts.Snapshots, facts.Ledger);
        return (facts.Snapshots.Count, faults.Select(fault => new Violation(2, "node", fault)));
    }
}
