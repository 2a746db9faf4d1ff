using ControlPlane.Fleet;
using ControlPlane.Inventory;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using Orleans.Serialization;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Follows the overlay's feed of changes, once for all watchers of this silo.</summary>
/// <remarks>
/// Reads the end of the feed anew after every fault: a gap between what it has and what comes is impossible, since it asks by position.
/// </remarks>
internal sealed partial class NodeChangeTail(
    OverlayStreams streams, Serializer serializer, TimeProvider time, ILogger<NodeChangeTail> logger)
    : BackgroundService, INodeChangeFeed
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    private readonly ChangeWindow window = new();

    public ValueTask<FeedRead> ReadAsync(ulong? after, int batchesMax, CancellationToken cancellationToken) =>
        window.ReadAsync(after, batchesMax, cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(stoppingToken);
            }
            catch (Exception away) when (!stoppingToken.IsCancellationRequested)
            {
                // The top of a loop that must go on, since what leaves it ends the silo: watchers wait meanwhile, and lose nothing.
                LogAway(away.Message);
                await Task.Delay(RetryDelay, time, stoppingToken);
            }
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
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
                window.Add(new ChangeBatch(metadata.Sequence.Stream, serializer.Deserialize<NodeChange[]>(content) ?? []));
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The feed of changes cannot be followed now: {Reason}")]
    private partial void LogAway(string reason);
}
