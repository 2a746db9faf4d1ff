using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace ControlPlane.Adapters.Nats;

/// <summary>The figures of one provider's queues. Tags: the provider and the queue, both from the configuration.</summary>
internal sealed class QueueMetrics : IDisposable
{
    public const string MeterName = "ControlPlane.Streams";

    private readonly Meter _meter = new(MeterName);
    private readonly ConcurrentDictionary<JetStreamReceiver, byte> _receivers = [];
    private readonly string _provider;
    private readonly Counter<long> _redelivered;
    private readonly Counter<long> _deadLetters;
    private readonly Counter<long> _unclaimed;
    private readonly Counter<long> _lost;
    private readonly Counter<long> _failures;
    private readonly Histogram<int> _batch;
    private readonly Counter<long> _bytes;

    public QueueMetrics(string provider)
    {
        _provider = provider;
        _batch = _meter.CreateHistogram<int>(
            "controlplane.streams.read.messages", "{message}", "messages that a pulling agent read at once");
        _bytes = _meter.CreateCounter<long>("controlplane.streams.read.bytes", "By", "bytes that a pulling agent read");
        _redelivered = _meter.CreateCounter<long>(
            "controlplane.streams.redelivered", "{message}", "messages that came again and were dropped");
        _deadLetters = _meter.CreateCounter<long>("controlplane.streams.dead_letters", "{message}", "messages that became dead letters");
        _unclaimed = _meter.CreateCounter<long>("controlplane.streams.unclaimed", "{message}", "messages that nobody subscribes to");
        _lost = _meter.CreateCounter<long>("controlplane.streams.gaps", "{gap}", "gaps: messages gone before they were delivered");
        _failures = _meter.CreateCounter<long>(
            "controlplane.loops.failures", "{failure}", "rounds of what must go on that were broken off, by loop; each is begun again");
        _meter.CreateObservableGauge(
            "controlplane.streams.held", () => Each(status => status.HeldMessages), "{message}", "messages delivered and not acknowledged");
        _meter.CreateObservableGauge("controlplane.streams.held.bytes", () => Each(status => status.HeldBytes), "By", "their bytes");
        _meter.CreateObservableGauge(
            "controlplane.streams.pending",
            () => Each(status => status.PendingMessages),
            "{message}",
            "messages that the server still had at the last delivery");
        _meter.CreateObservableGauge(
            "controlplane.streams.age", () => Each(status => status.Age.TotalSeconds), "s", "age of the oldest message not acknowledged");
        _meter.CreateObservableGauge(
            "controlplane.streams.ready", () => Each(status => status.NotReady is null ? 1 : 0), "1", "1 while the queue is read");
    }

    /// <summary>The queues that this silo has.</summary>
    public IReadOnlyList<JetStreamQueueStatus> Queues => [.. _receivers.Keys.Select(receiver => receiver.Status)];

    public void Register(JetStreamReceiver receiver) => _receivers[receiver] = 0;

    public void Unregister(JetStreamReceiver receiver) => _receivers.TryRemove(receiver, out _);

    public void Read(string queue, int messages, long bytes)
    {
        _batch.Record(messages, Provider, Queue(queue));
        _bytes.Add(bytes, Provider, Queue(queue));
    }

    public void Redelivered(string queue) => _redelivered.Add(1, Provider, Queue(queue));

    public void DeadLetter(string queue, string cause) => _deadLetters.Add(1, Provider, Queue(queue), new("cause", cause));

    public void Unclaimed(string queue, int messages) => _unclaimed.Add(messages, Provider, Queue(queue));

    public void Lost(string queue) => _lost.Add(1, Provider, Queue(queue));

    public void LoopFailed(string loop) => _failures.Add(1, new KeyValuePair<string, object?>("loop", loop));

    public void Dispose() => _meter.Dispose();

    private KeyValuePair<string, object?> Provider => new("provider", _provider);

    private static KeyValuePair<string, object?> Queue(string queue) => new("queue", queue);

    private IEnumerable<Measurement<T>> Each<T>(Func<JetStreamQueueStatus, T> figure)
        where T : struct =>
        Queues.Select(status => new Measurement<T>(figure(status), Provider, Queue(status.Queue)));
}
