using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>The provider as the streaming runtime sees it.</summary>
/// <remarks>
/// Rewindable only without sources. Several of them feed the same partition streams, and the tokens of two JetStream streams
/// cannot be compared: the runtime would take what it has had from one for what it is to have from the other.
/// </remarks>
internal sealed class JetStreamAdapter(
    string name, bool isRewindable, EventPublisher? publisher, Func<QueueId, JetStreamReceiver> receiverOf)
    : IQueueAdapter
{
    public string Name => name;

    public bool IsRewindable => isRewindable;

    public StreamProviderDirection Direction => publisher is null ? StreamProviderDirection.ReadOnly : StreamProviderDirection.ReadWrite;

    public IQueueAdapterReceiver CreateReceiver(QueueId queueId) => receiverOf(queueId);

    /// <summary>Returns when the server has stored the events as one message.</summary>
    /// <exception cref="JetStreamPublishException">It did not say that it has.</exception>
    public Task QueueMessageBatchAsync<T>(
        StreamId streamId, IEnumerable<T> events, StreamSequenceToken? token, Dictionary<string, object>? requestContext)
    {
        if (publisher is null)
        {
            throw new NotSupportedException(
                $"the stream provider '{name}' only reads: set {nameof(JetStreamStreamOptions.Events)} to publish");
        }

        if (token is not null)
        {
            throw new NotSupportedException("JetStream numbers the events; a publisher cannot");
        }

        object[] published = [.. events.Cast<object>()];
        return published.Length == 0 ? Task.CompletedTask : publisher.PublishAsync(streamId, published, requestContext);
    }
}
