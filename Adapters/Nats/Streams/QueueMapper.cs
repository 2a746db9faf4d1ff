using System.IO.Hashing;
using System.Text;
using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>The provider's queues, and their places on the ring by which they are spread over silos.</summary>
internal sealed class QueueMapper : IConsistentRingStreamQueueMapper
{
    private readonly Dictionary<QueueId, QueueDefinition> _queues;

    public QueueMapper(string provider, IReadOnlyList<QueueDefinition> queues)
    {
        // Evenly spread rather than hashed: with few queues chance would be unfair. Where the ring begins is the provider's own,
        // lest the first queues of all providers fall to the same silo.
        var origin = XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(provider));
        var distance = uint.MaxValue / (uint)Math.Max(1, queues.Count);
        _queues = queues
            .Select(
                (queue, index) => (
                    queue, Id: QueueId.GetQueueId($"{provider}-{queue.Name}", (uint)index, unchecked(origin + ((uint)index * distance)))))
            .ToDictionary(pair => pair.Id, pair => pair.queue);
    }

    public QueueDefinition this[QueueId queueId] => _queues[queueId];

    public IEnumerable<QueueId> GetAllQueues() => _queues.Keys;

    public IEnumerable<QueueId> GetQueuesForRange(IRingRange range) =>
        _queues.Keys.Where(queue => range.InRange(queue.GetUniformHashCode()));

    // Only publishing asks, and that knows its partition itself.
    public QueueId GetQueueForStream(StreamId streamId) => _queues.Keys.First();
}
