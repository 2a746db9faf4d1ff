using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>The provider as the streaming runtime sees it.</summary>
internal sealed class JetStreamAdapter(string name, bool isRewindable, Func<QueueId, JetStreamReceiver> receiverOf) : IQueueAdapter
{
    public string Name => name;

    public bool IsRewindable => isRewindable;

    public StreamProviderDirection Direction => StreamProviderDirection.ReadOnly;

    public IQueueAdapterReceiver CreateReceiver(QueueId queueId) => receiverOf(queueId);

    public Task QueueMessageBatchAsync<T>(
        StreamId streamId, IEnumerable<T> events, StreamSequenceToken? token, Dictionary<string, object>? requestContext) =>
        throw new NotSupportedException($"the stream provider '{name}' only reads");
}
