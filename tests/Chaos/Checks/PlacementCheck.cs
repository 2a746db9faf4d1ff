using ControlPlane.Nodes;

namespace ControlPlane.Chaos;

/// <summary>Invariant 5: limits hold at every moment of the history, and each node is in one place.</summary>
internal static class PlacementCheck
{
    private const string Place = "IInternalPlacementGrain.Place";
    private const string Confirm = "IInternalPlacementGrain.Confirm";

    public static (int Checked, IEnumerable<Violation> Violations) Limits(FleetFacts facts)
    {
        var answers = facts.Operations.Where(
            operation => operation.Phase == OperationPhase.Ok && operation.Name is Place or Confirm).ToList();
        return (answers.Count, PlacedTwice(facts).Concat(Overfilled(facts)).Concat(Miscounted(facts)));
    }

    // One node, one attempt, one answer: a second place for the same attempt is a place that nobody gives back.
    private static IEnumerable<Violation> PlacedTwice(FleetFacts facts) =>
        from operation in facts.Operations
        where operation is { Name: Place, Phase: OperationPhase.Ok } && operation.Fact("overlay").Length > 0
        group operation.Fact("overlay") by (Node: operation.Fact("node"), Attempt: operation.Fact("attempt")) into answers
        let overlays = answers.Distinct(StringComparer.Ordinal).ToList()
        where overlays.Count > 1
        select new Violation(5, answers.Key.Node, $"was placed in {string.Join(" and ", overlays)} by attempt {answers.Key.Attempt}");

    // Confirmed places alone: whether a reservation still stood at a moment is the grain's to know, and its own count is checked at rest.
    private static IEnumerable<Violation> Overfilled(FleetFacts facts)
    {
        var limits = facts.Overlays.ToDictionary(overlay => overlay.Name, overlay => overlay.HardLimit, StringComparer.Ordinal);
        var placed = new Dictionary<(string Node, string Attempt), string>();
        var home = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var operation in facts.Operations.Where(operation => operation.Phase == OperationPhase.Ok))
        {
            var attempt = (Node: operation.Fact("node"), Attempt: operation.Fact("attempt"));
            if (operation.Name == Place && operation.Fact("overlay") is { Length: > 0 } overlay)
            {
                placed[attempt] = overlay;
            }
            else if (operation.Name == Confirm && placed.TryGetValue(attempt, out var confirmed))
            {
                home[attempt.Node] = confirmed;
                var nodes = home.Values.Count(name => name == confirmed);
                if (limits.TryGetValue(confirmed, out var limit) && nodes > limit)
                {
                    yield return new Violation(5, confirmed, $"held {nodes} nodes at {operation.At:O}; its limit is {limit}");
                }
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
