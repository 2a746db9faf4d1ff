using ControlPlane.Nodes;

namespace ControlPlane.Chaos;

/// <summary>Invariant 2: exactly one overlay owns a node, by the lists of all sites and by the overlays' own histories.</summary>
internal static class OwnerCheck
{
    private const string MoveAway = "IInternalNodeGrain.MoveAway";

    public static (int Checked, IEnumerable<Violation> Violations) Owners(FleetFacts facts)
    {
        var residents = new Residents();
        foreach (var operation in facts.Operations)
        {
            residents.Apply(operation);
        }

        var enrolled = Enrolled(facts).ToList();
        return (enrolled.Count, Listed(enrolled).Concat(Housed(residents, enrolled)).Concat(MovedNowhere(facts)));
    }

    private static IEnumerable<(string Node, string Site, string Overlay)> Enrolled(FleetFacts facts) =>
        from site in facts.Sites
        from entry in site.Value
        where entry.Stage == NodeStage.Enrolled
        select (entry.Identity, site.Key, entry.Overlay ?? "");

    private static IEnumerable<Violation> Listed(IEnumerable<(string Node, string Site, string Overlay)> enrolled) =>
        from one in enrolled
        group $"{one.Overlay} by {one.Site}" by one.Node into owners
        where owners.Count() > 1
        select new Violation(2, owners.Key, $"is enrolled in {string.Join(" and in ", owners.Order(StringComparer.Ordinal))}");

    private static IEnumerable<Violation> Housed(
        Residents residents, IEnumerable<(string Node, string Site, string Overlay)> enrolled)
    {
        var homes = residents.All.ToDictionary(node => node.Node, node => node.Overlays, StringComparer.Ordinal);
        foreach (var (node, overlays) in homes.Where(home => home.Value.Count > 1))
        {
            yield return new Violation(2, node, $"lives in {string.Join(" and in ", overlays)}, and none of them gave it up");
        }

        // Where the history does not go back to its arrival, nothing is known of it.
        foreach (var (node, site, overlay) in enrolled)
        {
            if (homes.TryGetValue(node, out var overlays) && !overlays.Contains(overlay, StringComparer.Ordinal))
            {
                yield return new Violation(2, node, $"is enrolled in {overlay} by {site}, and lives in {string.Join(", ", overlays)}");
            }
        }
    }

    // What the owner before gave out is revoked then: never before the node has what the new one gave it.
    private static IEnumerable<Violation> MovedNowhere(FleetFacts facts)
    {
        var arrived = new HashSet<(string Node, string Overlay)>();
        foreach (var operation in facts.Operations)
        {
            if (Residents.IsArrival(operation))
            {
                arrived.Add((operation.Fact("node"), Residents.OverlayOf(operation)));
            }
            else if (operation is { Name: MoveAway, Phase: OperationPhase.Invoked }
                && !arrived.Contains((operation.Key, operation.Fact("to"))))
            {
                var (from, to) = (operation.Fact("from"), operation.Fact("to"));
                yield return new Violation(2, operation.Key, $"was given up by {from} at {operation.At:O}, and had not arrived in {to}");
            }
        }
    }
}
