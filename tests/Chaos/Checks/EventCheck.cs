using System.Globalization;

namespace ControlPlane.Chaos;

/// <summary>Invariant 6, as far as one overlay goes: every event that a broker stored reached its node's grain.</summary>
/// <remarks>
/// A silo that is killed takes the last lines of its history with it, so an event that only its history would show is judged by what
/// came of it: a node that is enrolled since was heard.
/// </remarks>
internal static class EventCheck
{
    public static (int Checked, IEnumerable<Violation> Violations) Delivered(FleetFacts facts)
    {
        var heard = facts.Operations
            .Where(operation => operation is { Name: "INodeGrain.Observe", Phase: OperationPhase.Ok })
            .Select(operation => (operation.Fact("network"), operation.Fact("sequence"), operation.Key))
            .ToHashSet();
        var arrived = facts.Snapshots.ToDictionary(
            node => node.Key, node => node.Value.History.Count > 0 ? node.Value.History[^1].At : DateTimeOffset.MinValue, StringComparer.Ordinal);

        var lost =
            from stored in facts.Events
            where !heard.Contains((stored.Network, stored.Sequence.ToString(CultureInfo.InvariantCulture), stored.Identity))
            where !(arrived.TryGetValue(stored.Identity, out var at) && at >= stored.StoredAt)
            select new Violation(6, stored.Identity, $"its {stored.Kind} event {stored.Sequence} of {stored.Network} was never handed to it");
        return (facts.Events.Count, lost);
    }
}
