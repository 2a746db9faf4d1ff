using System.Diagnostics.Metrics;

namespace ControlPlane.Placement;

/// <summary>What is counted of placement; <c>docs/METRICS.md</c> describes each.</summary>
/// <remarks>Counts of overlays are read while the grain goes on: each is right, two may be a decision apart.</remarks>
internal sealed class PlacementMeter : IDisposable
{
    public const string Name = "ControlPlane.Placement";

    private readonly Meter meter = new(Name);
    private readonly Counter<long> decisions;
    private readonly Counter<long> external;
    private readonly Counter<long> moves;
    private volatile RegionState? watched;

    public PlacementMeter()
    {
        decisions = meter.CreateCounter<long>("controlplane.placement.decisions", "{decision}", "Places that were asked for, by outcome.");
        external = meter.CreateCounter<long>(
            "controlplane.placement.external", "{question}", "Questions to the external decider, by outcome.");
        moves = meter.CreateCounter<long>("controlplane.placement.moves", "{node}", "Moves of plans that ended, by outcome.");
        meter.CreateObservableGauge("controlplane.placement.nodes", () => Each(overlay => overlay.Nodes), "{node}", "Nodes that arrived.");
        meter.CreateObservableGauge("controlplane.placement.reserved", () => Each(overlay => overlay.Reserved), "{node}", "Places held.");
        meter.CreateObservableGauge(
            "controlplane.placement.promised", () => Each(overlay => overlay.Promised), "{node}", "Places promised to groups.");
        meter.CreateObservableGauge(
            "controlplane.placement.capacity", () => Each(overlay => overlay.HardLimit), "{node}", "The hard limit.");
        meter.CreateObservableGauge(
            "controlplane.placement.unplaceable", () => Of(unplaced => unplaced.Count), "{node}", "Nodes that asked and have no place.");
        meter.CreateObservableGauge(
            "controlplane.placement.unplaceable.overdue", () =>
                Of(unplaced => unplaced.Overdue), "{node}", "Those beyond the policy's alertAfter.");
    }

    /// <summary>The region's grain is active here: its counts are told by this silo, and by no other.</summary>
    public void Watch(RegionState ledger) => watched = ledger;

    /// <summary>The region's grain is not active here any more.</summary>
    public void Leave(RegionState ledger)
    {
        if (ReferenceEquals(watched, ledger))
        {
            watched = null;
        }
    }

    public void Decided(string outcome) => Count(decisions, outcome);

    public void ExternallyDecided(string outcome) => Count(external, outcome);

    public void Moved(string outcome, int nodes) => Count(moves, outcome, Math.Max(0, nodes));

    public void Dispose() => meter.Dispose();

    private static void Count(Counter<long> counter, string outcome, int times = 1) =>
        counter.Add(times, new KeyValuePair<string, object?>("outcome", outcome));

    private IEnumerable<Measurement<int>> Each(Func<OverlayEntry, int> count) => (watched?.Overlays ?? [])
        .Where(overlay => overlay.IsListed && (overlay.IsConfigured || overlay.Load > 0))
        .Select(overlay => new Measurement<int>(count(overlay), new KeyValuePair<string, object?>("overlay", overlay.Name)));

    private IEnumerable<Measurement<int>> Of(Func<UnplacedNodes, int> count) =>
        watched is { } ledger ? [new Measurement<int>(count(ledger.Unplaced))] : [];
}
