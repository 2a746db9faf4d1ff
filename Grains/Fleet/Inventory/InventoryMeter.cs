using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace ControlPlane.Fleet;

/// <summary>What is counted of inventories and their index; <c>docs/METRICS.md</c> describes each.</summary>
internal sealed class InventoryMeter : IDisposable
{
    private readonly Meter meter = new("ControlPlane.Inventory");
    private readonly ConcurrentDictionary<string, (int Nodes, long Facts, bool IsComplete)> slices = new(StringComparer.Ordinal);
    private readonly Counter<long> learnt;
    private readonly Counter<long> unpublished;
    private readonly Counter<long> leftOut;
    private readonly Histogram<double> queries;

    public InventoryMeter()
    {
        learnt = meter.CreateCounter<long>(
            "controlplane.inventory.learnt", "{inventory}", "Inventories that nodes reported, by what became of them.");
        unpublished = meter.CreateCounter<long>(
            "controlplane.inventory.feed.failures", "{batch}", "Batches of changes that could not be published and are tried again.");
        leftOut = meter.CreateCounter<long>(
            "controlplane.inventory.feed.leftout", "{change}", "Changes that can never be published, and are missing in the feed.");
        queries = meter.CreateHistogram<double>("controlplane.inventory.query.duration", "s", "One query in one slice of the index.");
        meter.CreateObservableGauge(
            "controlplane.inventory.nodes", () =>
                slices.Values.Sum(slice => slice.Nodes), "{node}", "Nodes in this silo's slices of the index.");
        meter.CreateObservableGauge(
            "controlplane.inventory.facts", () => slices.Values.Sum(slice => slice.Facts), "{fact}", "Their facts.");
        meter.CreateObservableGauge(
            "controlplane.inventory.loading", () =>
                slices.Values.Count(slice => !slice.IsComplete), "{slice}", "Slices that still read what was known before.");
    }

    public void Learnt(string outcome) => learnt.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void NotPublished() => unpublished.Add(1);

    public void LeftOut() => leftOut.Add(1);

    public void Answered(TimeSpan duration) => queries.Record(duration.TotalSeconds);

    public void Show(string slice, NodeIndex index, bool isComplete) => slices[slice] = (index.Count, index.Facts, isComplete);

    public void Leave(string slice) => slices.TryRemove(slice, out _);

    public void Dispose() => meter.Dispose();
}
