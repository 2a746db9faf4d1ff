namespace ControlPlane.Adapters.Nats;

/// <summary>How a stream provider is doing on this silo. Registered as a keyed service, the key is the provider's name.</summary>
public sealed class JetStreamStreamsHealth
{
    private readonly QueueMetrics _metrics;

    internal JetStreamStreamsHealth(QueueMetrics metrics) => _metrics = metrics;

    /// <summary>The queues that this silo has at the moment. Others are with other silos.</summary>
    public IReadOnlyList<JetStreamQueueStatus> Queues => _metrics.Queues;

    /// <summary>Why the provider is not ready, one sentence per queue that is not read; empty when all are.</summary>
    public IReadOnlyList<string> NotReady =>
        [.. Queues.Where(queue => queue.NotReady is not null).Select(queue => $"queue {queue.Queue} is not read: {queue.NotReady}")];
}
