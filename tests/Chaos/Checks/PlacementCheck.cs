using ControlPlane.Nodes;

namespace ControlPlane.Chaos;

/// <summary>Invariant 5: no overlay exceeds its limit at any moment of the history, by its own account.</summary>
internal static class PlacementCheck
{
    public static (int Checked, IEnumerable<Violation> Violations) Limits(FleetFacts facts)
    {
        var answers = facts.Operations.Count(
            operation => operation is { Phase: OperationPhase.Ok, Name: "IInternalPlacementGrain.Place" } || Residents.IsLetIn(operation));
        return (answers, Overfilled(facts).Concat(Miscounted(facts)));
    }

    // Arrivals alone: whether a reservation still stood at a moment is the overlay's to know, and its own count is checked at rest.
    private static IEnumerable<Violation> Overfilled(FleetFacts facts)
    {
        var limits = facts.Overlays.ToDictionary(overlay => overlay.Name, overlay => overlay.HardLimit, StringComparer.Ordinal);
        var residents = new Residents();
        foreach (var operation in facts.Operations)
        {
            if (residents.Apply(operation) is { } overlay && limits.TryGetValue(overlay, out var limit) && residents.In(overlay) > limit)
            {
                yield return new Violation(5, overlay, $"held {residents.In(overlay)} nodes at {operation.At:O}; its limit is {limit}");
            }
        }
    }

    private static IEnumerable<Violation> Miscounted(FleetFacts facts)
    {
        var enrolled = facts.Roster.Where(entry => entry.Stage == NodeStage.Enrolled).CountBy(entry => entry.Overlay ?? "").ToDictionary();
        foreach (var overlay in facts.Overlays)
        {
            var nodes = enrolled.GetValueOrDefault(overlay.Name);
            if (overlay.Nodes < nodes)
            {
                yield return new Violation(5, overlay.Name, $"counts {overlay.Nodes} nodes, and {nodes} are enrolled in it");
            }

            if (overlay.Nodes + overlay.Reserved > overlay.HardLimit)
            {
                yield return new Violation(
                    5, overlay.Name, $"holds {overlay.Nodes} nodes and {overlay.Reserved} reservations; its limit is {overlay.HardLimit}");
            }
        }
    }
}
