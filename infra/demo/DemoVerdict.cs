using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Demo;

/// <summary>Says what is wrong with a fleet at rest, and how it was enrolled.</summary>
internal sealed class DemoVerdict(
    DemoOptions options, IDemoDisplay display, TimeProvider time, SimulatedFleet fleet, FleetView view, StageBrokers brokers)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    // What the last ones to arrive held before is revoked in the background.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private Summary? enrolment;
    private IReadOnlyList<SiteReading> before = [];

    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <param name="retired">The overlay that was retired since; null when none was.</param>
    /// <param name="known">Faults that were found already.</param>
    /// <returns>How many faults there are; each was said.</returns>
    public async Task<int> GiveAsync(CancellationToken cancellationToken, string? retired = null, IReadOnlyList<string>? known = null)
    {
        var began = time.GetTimestamp();
        var sites = await view.ReadAsync(cancellationToken);
        var faults = await FaultsAsync(sites, retired, cancellationToken);
        while (options.Overlays > 1 && faults.Count > 0 && time.GetElapsedTime(began) < Patience)
        {
            await Task.Delay(LookInterval, time, cancellationToken);
            sites = await view.ReadAsync(cancellationToken);
            faults = await FaultsAsync(sites, retired, cancellationToken);
        }

        display.Finish();
        var listed = Ownership.Merge(sites);
        foreach (var reason in Summary.Reasons(listed))
        {
            display.Say(reason);
        }

        faults = [.. known ?? [], .. faults];
        foreach (var fault in Verification.Shortened(faults))
        {
            display.Say($"fault: {fault}");
        }

        // The times are those of the enrolment, not of moves afterwards.
        var summary = Summary.Of(fleet.Nodes, listed) with
        {
            Owned = options.Overlays > 1 ? [.. sites.Select(site => (site.Name, site.Enrolled))] : [],
        };
        enrolment ??= summary;
        display.Say(
            (summary with { Duration = enrolment.Duration, Median = enrolment.Median, Slowest = enrolment.Slowest }).ToString());
        before = sites;
        return faults.Count;
    }

    private async Task<IReadOnlyList<string>> FaultsAsync(
        IReadOnlyList<SiteReading> sites, string? retired, CancellationToken cancellationToken)
    {
        var listed = Ownership.Merge(sites);
        var held = sites.SelectMany(site => site.Held).DistinctBy(node => node.Key).ToDictionary(StringComparer.Ordinal);
        var faults = Verification.Faults(fleet.Nodes, listed, held, [.. sites.SelectMany(site => site.Ledger)]);
        if (options.Overlays == 1)
        {
            return faults;
        }

        var own = await view.OverlaysAsync(cancellationToken);
        var urls = brokers.Overlays.Select((broker, number) =>
            (EnrolmentStage.NameOf(number), broker.Url)).ToDictionary(StringComparer.Ordinal);
        return
        [
            .. faults,
            .. Ownership.Faults(sites),
            .. Ownership.CountFaults(sites, own, await view.Region(0).OverlaysAsync(cancellationToken)),
            .. PlacementVerification.Faults(fleet.Nodes, listed, options.Customers, urls),
            .. PlacementVerification.LimitFaults(own),
            .. retired is null ? [] : Ownership.LeftFaults(ReadingOf(sites, retired), ReadingOf(before, retired)),
        ];
    }

    private static SiteReading ReadingOf(IReadOnlyList<SiteReading> sites, string name) => sites.Single(site => site.Name == name);
}
