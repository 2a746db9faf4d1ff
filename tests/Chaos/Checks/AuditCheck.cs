using ControlPlane.Access;
using ControlPlane.TestKit.Access;

namespace ControlPlane.Chaos;

/// <summary>Invariant 7: every call that was made is in the record of calls, and nobody has changed that record.</summary>
internal static class AuditCheck
{
    public static (int Checked, IEnumerable<Violation> Violations) Recorded(FleetFacts facts)
    {
        var records = facts.Audit.Records();
        var calls = records.Where(record => record.Kind == AuditKind.Call).ToList();
        var ended = records.Where(record => record.Kind == AuditKind.Outcome).Select(record => record.Id).ToHashSet(StringComparer.Ordinal);
        var broken = facts.Audit.Verify().Faults.Select(fault => new Violation(7, "the record of calls", fault));
        var unrecorded =
            from answered in facts.Answered
            let recorded = calls.Where(call => call.Reason == answered.Reason && call.On?.Node == answered.Node).ToList()
            where recorded is not [{ Permission: Permissions.NodesReprovision, Who: not null } only] || !ended.Contains(only.Id)
            select new Violation(
                7, answered.Node, $"was told to enrol anew ({answered.Reason}), which has {recorded.Count} records, or no outcome");
        return (records.Count, broken.Concat(unrecorded));
    }
}
