using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>What is counted of nodes' liveness; <c>docs/METRICS.md</c> describes each.</summary>
internal sealed class LivenessMeter : IDisposable
{
    private readonly Meter meter = new("ControlPlane.Liveness");
    private readonly ConcurrentDictionary<string, PartitionFigures> partitions = new(StringComparer.Ordinal);
    private readonly Counter<long> changes;
    private readonly Counter<long> failures;
    private readonly Counter<long> suspicions;

    public LivenessMeter()
    {
        changes = meter.CreateCounter<long>(
            "controlplane.liveness.changes", "{node}", "Changes of nodes' liveness that were announced, by what they are now.");
        failures = meter.CreateCounter<long>(
            "controlplane.liveness.announcement.failures", "{node}", "Announcements that failed and are tried again.");
        suspicions = meter.CreateCounter<long>(
            "controlplane.liveness.suspicions", "{sighting}", "Sightings of two processes that speak for one identity in turns.");
        meter.CreateObservableGauge(
            "controlplane.liveness.nodes", CountNodes, "{node}", "Nodes that this silo's partitions follow, by state.");
        meter.CreateObservableGauge(
            "controlplane.liveness.unannounced", () =>
                partitions.Values.Sum(one => one.Unannounced), "{node}", "Changes that wait to be announced.");
        meter.CreateObservableGauge(
            "controlplane.liveness.deaf", () =>
                partitions.Values.Count(one => one.IsDeaf), "{partition}", "Partitions of this silo that cannot hear, or catch up.");
        meter.CreateObservableCounter(
            "controlplane.liveness.refused", () =>
                partitions.Values.Sum(one => one.Refused), "{event}", "Events of nodes beyond what a partition follows.");
    }

    public void Changed(NodeLiveness to) => changes.Add(1, new KeyValuePair<string, object?>("to", Name(to)));

    public void AnnouncementFailed() => failures.Add(1);

    public void CloneSuspected() => suspicions.Add(1);

    public void Show(string partition, PartitionFigures figures) => partitions[partition] = figures;

    public void Leave(string partition) => partitions.TryRemove(partition, out _);

    public void Dispose() => meter.Dispose();

    private IEnumerable<Measurement<int>> CountNodes() => Enum.GetValues<NodeLiveness>().Select(state => new Measurement<int>(
        partitions.Values.Sum(one => one.Nodes.GetValueOrDefault(state)), new KeyValuePair<string, object?>("state", Name(state))));

    private static string Name(NodeLiveness state) => state.ToString().ToLowerInvariant();
}

/// <summary>How one partition stands, for the gauges.</summary>
internal sealed record PartitionFigures(IReadOnlyDictionary<NodeLiveness, int> Nodes, int Unannounced, long Refused, bool IsDeaf);
