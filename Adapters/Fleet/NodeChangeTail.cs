using ControlPlane.Fleet;
using ControlPlane.Nodes;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Follows the overlay's feed of changes, once for all watchers of this silo.</summary>
/// <remarks>
/// Reads the end of the feed anew after every fault: a gap between what it has and what comes is impossible, since it asks by position.
/// </remarks>
internal sealed class NodeChangeTail(OverlayStreams streams, StoredMessages stored) : INodeChangeFeed
{
    private readonly ChangeWindow window = new();

    public ValueTask<FeedRead> ReadAsync(ulong? after, int batchesMax, CancellationToken cancellationToken) =>
        window.ReadAsync(after, batchesMax, cancellationToken);

    /// <summary>Follows the feed until it breaks off. Watchers wait meanwhile, and lose nothing.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        await streams.EnsureAsync(streams.Changes, cancellationToken);
        var state = await streams.AskAsync(
            async (context, limit) =>
                (await context.GetStreamAsync(streams.Changes, cancellationToken: limit)).Info.State, streams.Changes, cancellationToken);
        var from = window.Begin((ulong)state.FirstSeq, (ulong)state.LastSeq);
        var consumer = await streams.Context.CreateOrderedConsumerAsync(
            streams.Changes,
            new NatsJSOrderedConsumerOpts { DeliverPolicy = ConsumerConfigDeliverPolicy.ByStartSequence, OptStartSeq = from },
            cancellationToken);
        await foreach (var message in consumer.ConsumeAsync(NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken))
        {
            if (message is { Data: { } content, Metadata: { } metadata })
            {
                var changes = stored.ReadOrNull<NodeChange[]>("changes", $"{streams.Changes} {metadata.Sequence.Stream}", content) ?? [];
                window.Add(new ChangeBatch(metadata.Sequence.Stream, changes));
            }
        }
    }
}
