using System.Globalization;

namespace ControlPlane.Chaos;

/// <summary>Invariant 6, as far as one overlay goes: every event that a broker stored reached its node's grain.</summary>
/// <remarks>
/// A call's end is written before its caller hears of it, and so before the event is acknowledged: no kill leaves an event both handed over
/// and not in a history.
/// </remarks>
internal static class EventCheck
{
    public static (int Checked, IEnumerable<Violation> Violations) Delivered(FleetFacts facts)
    {
        var lost = Unheard(facts.Events, facts.Operations).Select(stored =>
            new Violation(6, stored.Identity, $"its {stored.Kind} event {stored.Sequence} of {stored.Network} was never handed to it"));
        return (facts.Events.Count, lost);
    }

    /// <summary>The stored events of which no operation tells.</summary>
    public static IEnumerable<StoredEvent> Unheard(IEnumerable<StoredEvent> events, IEnumerable<Operation> operations)
    {
        var heard = operations
            .Where(operation => operation is { Name: "INodeGrain.Observe", Phase: OperationPhase.Ok })
            .Select(operation => (operation.Fact("network"), operation.Fact("sequence"), operation.Key))
            .ToHashSet();
        return events.Where(
            stored => !heard.Contains((stored.Network, stored.Sequence.ToString(CultureInfo.InvariantCulture), stored.Identity)));
    }
}
