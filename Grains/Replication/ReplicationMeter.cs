using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace ControlPlane.Replication;

/// <summary>How the links stand that this silo runs, as metrics.</summary>
internal sealed class ReplicationMeter : IDisposable
{
    private readonly Meter meter = new("ControlPlane.Replication");
    private readonly ConcurrentDictionary<string, ReplicationSnapshot> links = new(StringComparer.Ordinal);
    private readonly Counter<long> copied;
    private readonly Counter<long> bytes;
    private readonly Counter<long> gaps;

    public ReplicationMeter(TimeProvider time)
    {
        copied = meter.CreateCounter<long>("controlplane.replication.copied", "{message}", "Messages that were copied, by link.");
        bytes = meter.CreateCounter<long>("controlplane.replication.copied.bytes", "By", "Their bytes, headers included, by link.");
        gaps = meter.CreateCounter<long>("controlplane.replication.gaps", "{gap}", "Gap records that were written, by link.");
        meter.CreateObservableGauge(
            "controlplane.replication.state",
            () => links.Values.Select(one => new Measurement<int>(1, Link(one.Name), new("state", one.State.ToString()))),
            "{link}",
            "1 for what each link of this silo does.");
        meter.CreateObservableGauge(
            "controlplane.replication.lag.messages",
            () => Each(one => one.Pending),
            "{message}",
            "Messages that are to be copied still, by link.");
        meter.CreateObservableGauge(
            "controlplane.replication.lag.duration",
            () => Each(one => one.OldestPendingAt is { } oldest ? Math.Max(0, (time.GetUtcNow() - oldest).TotalSeconds) : 0),
            "s",
            "The age of the oldest message that is to be copied still, by link.");
        meter.CreateObservableGauge(
            "controlplane.replication.retention.left",
            () => Each(one => one.RetentionLeft),
            "{part}",
            "The part of the source's room or time that is left until it drops what is not copied yet, by link.");
    }

    public void Add(string link, long messages, long size, long missing)
    {
        copied.Add(messages, Link(link));
        bytes.Add(size, Link(link));
        gaps.Add(missing, Link(link));
    }

    public void Set(ReplicationSnapshot link) => links[link.Name] = link;

    public void Forget(string link) => links.TryRemove(link, out _);

    public void Dispose() => meter.Dispose();

    private static KeyValuePair<string, object?> Link(string name) => new("link", name);

    private IEnumerable<Measurement<T>> Each<T>(Func<ReplicationProgress, T> value)
        where T : struct =>
        links.Values.Where(one => one.Progress is not null)
            .Select(one => new Measurement<T>(value(one.Progress!), Link(one.Name)));
}
