using System.Globalization;
using ControlPlane.Nodes;

namespace ControlPlane.Chaos;

/// <summary>Invariant 6, as far as one overlay goes: every event that a broker stored reached its node's slice.</summary>
/// <remarks>
/// A call's end is written before its caller hears of it, and so before the event is acknowledged: no kill leaves an event both handed over
/// and not in a history.
/// </remarks>
internal static class EventCheck
{
    /// <summary>From when a node's grain was first called until its name is in the roster; a silo may hang meanwhile.</summary>
    private static readonly TimeSpan MeetingMax = TimeSpan.FromSeconds(15);

    public static (int Checked, IEnumerable<Violation> Violations) Delivered(FleetFacts facts)
    {
        var lost = Unheard(facts.Events, facts.Operations).Select(stored =>
            new Violation(6, stored.Identity, $"its {stored.Kind} event {stored.Sequence} of {stored.Network} was never handed to it"));
        return (facts.Events.Count, lost);
    }

    /// <summary>The name of an event among those of all networks.</summary>
    public static string NameOf(string network, ulong sequence, string identity) =>
        string.Create(CultureInfo.InvariantCulture, $"{network}/{sequence}/{identity}");

    /// <summary>The stored events of which no operation tells.</summary>
    public static IEnumerable<StoredEvent> Unheard(IEnumerable<StoredEvent> events, IEnumerable<Operation> operations)
    {
        var told = operations.Where(operation => operation.Name.Contains("NodeGrain.", StringComparison.Ordinal)).ToList();
        var known = told.GroupBy(operation => operation.Key, StringComparer.Ordinal)
            .ToDictionary(ofOne => ofOne.Key, ofOne => ofOne.Min(operation => operation.At), StringComparer.Ordinal);
        var heard = operations
            .Where(operation => operation is { Name: "IInternalFleetSliceGrain.Observe", Phase: OperationPhase.Ok })
            .SelectMany(operation => operation.Fact("events").Split(' '))
            .ToHashSet(StringComparer.Ordinal);
        return events.Where(
            stored => !heard.Contains(NameOf(stored.Network, stored.Sequence, stored.Identity))
                && !IsOfAStranger(stored, known));
    }

    // Who is not known is asked before its grain is told anything: its events on the provisioning network are nobody's.
    private static bool IsOfAStranger(StoredEvent stored, Dictionary<string, DateTimeOffset> known) =>
        stored.Network == FleetStreams.ProvisioningNetwork
        && !(known.TryGetValue(stored.Identity, out var at) && stored.StoredAt > at + MeetingMax);
}
