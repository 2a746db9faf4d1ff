using ControlPlane.Certificates;
using ControlPlane.Chaos;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Demo;

/// <summary>What all sites say, each of what it owns itself: there is nobody who could say it for all.</summary>
internal sealed class FleetView(EnrolmentStage stage, int overlays)
{
    private readonly IReadOnlyList<ControlPlaneView> sites =
        [.. Enumerable.Range(0, overlays).Select(site => new ControlPlaneView(stage, overlays == 1 ? null : site))];

    /// <summary>Nodes by stage over all sites; null while one does not answer.</summary>
    public async Task<IReadOnlyDictionary<NodeStage, int>?> CountAsync(CancellationToken cancellationToken)
    {
        var counts = await Task.WhenAll(sites.Select(site => site.CountAsync(cancellationToken)));

        // What a site only hears, another one counts.
        return counts.Contains(null) ? null : counts.SelectMany(count => count!).Where(count => count.Key != NodeStage.Elsewhere)
            .GroupBy(count => count.Key, count => count.Value).ToDictionary(stage => stage.Key, stage => stage.Sum());
    }

    /// <summary>Every overlay as its own site counts it.</summary>
    public async Task<IReadOnlyList<OverlaySnapshot>> OverlaysAsync(CancellationToken cancellationToken)
    {
        var lists = await Task.WhenAll(Enumerable.Range(0, overlays).Select(site => Region(site).OverlaysAsync(cancellationToken)));
        return [.. lists.Select((list, site) => list.Single(overlay => overlay.Name == EnrolmentStage.NameOf(site)))];
    }

    /// <summary>The region's placement as a site sees it.</summary>
    public RegionView Region(int site) => new(() => stage.Silos[site]!.Api);

    public async Task<IReadOnlyList<SiteReading>> ReadAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(sites.Select((view, site) => ReadAsync(view, site, cancellationToken)));

    private async Task<SiteReading> ReadAsync(ControlPlaneView view, int site, CancellationToken cancellationToken)
    {
        var roster = await view.ListAsync(cancellationToken);
        var name = EnrolmentStage.NameOf(site);
        return new SiteReading(
            name,
            roster,
            await view.HeldByAsync(roster, cancellationToken),
            await LedgerView.ReadAsync(stage.Redises[site].ConnectionString, name, cancellationToken),
            await RevocationListView.ReadAsync(stage.Silos[site]!.Api, cancellationToken));
    }
}

/// <summary>What one site says and keeps at one moment.</summary>
/// <param name="Name">The site, named after its overlay.</param>
/// <param name="Roster">Every node that it knows; those that only came in by it are elsewhere.</param>
/// <param name="Held">What each node that is enrolled there was given.</param>
/// <param name="Ledger">What it ordered, read past its silos.</param>
/// <param name="Revoked">The serial numbers on its revocation list.</param>
internal sealed record SiteReading(
    string Name,
    IReadOnlyList<RosterEntry> Roster,
    IReadOnlyDictionary<string, NodeSnapshot> Held,
    IReadOnlyList<LedgerEntry> Ledger,
    IReadOnlySet<string> Revoked)
{
    /// <summary>How many nodes it owns that are enrolled.</summary>
    public int Enrolled => Roster.Count(entry => entry.Stage == NodeStage.Enrolled);
}
