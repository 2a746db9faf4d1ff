using ControlPlane.Certificates;
using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Demo;

/// <summary>Holds what the sites say against each other: everything has one owner. Pure.</summary>
internal static class Ownership
{
    /// <summary>One line for each node: its owner's, or that it is elsewhere when no site owns it.</summary>
    public static IReadOnlyList<RosterEntry> Merge(IReadOnlyList<SiteReading> sites) =>
    [
        .. sites.SelectMany(site => site.Roster).GroupBy(entry => entry.Identity, StringComparer.Ordinal)
            .Select(lines => lines.MinBy(entry => entry.Stage switch { NodeStage.Enrolled => 0, NodeStage.Elsewhere => 2, _ => 1 })!),
    ];

    /// <summary>Nodes that have two owners, and certificates that are valid though their owner is another.</summary>
    public static IEnumerable<string> Faults(IReadOnlyList<SiteReading> sites)
    {
        var owned = sites.SelectMany(site => site.Roster.Where(entry =>
            entry.Stage != NodeStage.Elsewhere), (site, entry) => (site.Name, entry))
            .ToLookup(one => one.entry.Identity, StringComparer.Ordinal);
        foreach (var node in owned.Where(node => node.Count() > 1))
        {
            yield return $"{node.Key}: has {node.Count()} owners: {string.Join(", ", node.Select(one => $"{one.Name} ({one.entry.Stage})"))}";
        }

        foreach (var (name, entry) in owned.SelectMany(node => node))
        {
            if (entry.Stage == NodeStage.Enrolled && entry.Overlay != name)
            {
                yield return $"{entry.Identity}: {name} owns it and says that it lives in {entry.Overlay}";
            }
        }

        foreach (var site in sites)
        {
            foreach (var order in site.Ledger.Where(order =>
                order.State == LedgerState.Issued && owned[order.Identity].All(one => one.Name != site.Name)))
            {
                yield return $"{order.Identity}: {site.Name} does not own it, and its certificate of {site.Name} is not revoked";
            }
        }
    }

    /// <summary>Overlays that the region's leader counts otherwise than they do, or that count otherwise than they list.</summary>
    public static IEnumerable<string> CountFaults(
        IReadOnlyList<SiteReading> sites, IReadOnlyList<OverlaySnapshot> own, IReadOnlyList<OverlaySnapshot> leaders)
    {
        foreach (var overlay in own)
        {
            var (seen, listed) = (leaders.Single(one => one.Name == overlay.Name), sites.Single(site =>
                site.Name == overlay.Name).Enrolled);
            if (overlay.Nodes != listed || overlay.Nodes != seen.Nodes || overlay.State != seen.State)
            {
                yield return $"{overlay.Name} lists {listed} enrolled nodes and counts {overlay.Nodes} ({overlay.State}); "
                    + $"the region's leader counts {seen.Nodes} ({seen.State})";
            }
        }
    }

    /// <summary>What is left in an overlay that is retired.</summary>
    /// <param name="left">It, as it is.</param>
    /// <param name="before">It, as it was while nodes lived there.</param>
    public static IEnumerable<string> LeftFaults(SiteReading left, SiteReading before)
    {
        if (left.Roster.Count(entry => entry.Stage != NodeStage.Elsewhere) is > 0 and var kept)
        {
            yield return $"{left.Name} is retired and owns {kept} nodes";
        }

        foreach (var node in before.Held.Values)
        {
            if (node.Certificate is { } certificate && !left.Revoked.Contains(certificate.SerialNumber))
            {
                yield return $"{node.Identity}: {left.Name} issued its old certificate and does not list it as revoked";
            }
        }
    }
}
