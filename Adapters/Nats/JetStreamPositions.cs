using System.Globalization;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using Orleans.Providers.Streams.Common;
using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>Where queues stand, and moving them. Registered as a keyed service, the key is the provider's name.</summary>
/// <remarks>
/// Moving a queue moves all its streams and consumers, at once and while it is read: its owner is told by its consumer's end.
/// A consumer that drops by sequence what it has had must be told itself that it is to take events again.
/// </remarks>
public sealed class JetStreamPositions
{
    private readonly ProviderParts _parts;

    internal JetStreamPositions(ProviderParts parts) => _parts = parts;

    /// <summary>The first sequence that was stored at or after an instant; one past the last when none was.</summary>
    /// <exception cref="ArgumentException">There is no such queue.</exception>
    /// <exception cref="NATS.Client.Core.NatsException">The server does not answer.</exception>
    public async Task<ulong> SequenceAtAsync(string queue, DateTimeOffset instant, CancellationToken cancellationToken = default)
    {
        var definition = Find(queue);
        var stream = await definition.JetStream.GetStreamAsync(definition.JetStreamName, cancellationToken: cancellationToken);
        var (low, high) = (stream.Info.State.FirstSeq, stream.Info.State.LastSeq + 1);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (await definition.JetStream.NextAsync(definition.JetStreamName, middle, ">", cancellationToken) is { } message
                && message.Time < instant)
            {
                low = message.Seq + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>The queue that the provider's own events of a stream are in.</summary>
    public string QueueOf(StreamId stream) => string.Create(
        CultureInfo.InvariantCulture,
        $"{JetStreamEventsOptions.QueuePrefix}{EventPublisher.PartitionOf(stream, _parts.Options.Partitions)}");

    /// <summary>
    /// The token with which a consumer of typed events resumes its subscription to be given what a queue has from a sequence on; 0 for all
    /// that is kept, <see cref="ulong.MaxValue"/> for what is still to come. Other consumers, and the queue, stay where they are.
    /// </summary>
    /// <remarks>What a consumer asks for and is not kept any more is reported to it as <see cref="JetStreamDataLostException"/>.</remarks>
    /// <exception cref="ArgumentException">There is no such queue.</exception>
    /// <exception cref="NATS.Client.Core.NatsException">The server does not answer.</exception>
    public async Task<StreamSequenceToken> TokenAsync(string queue, ulong sequence, CancellationToken cancellationToken = default)
    {
        var definition = Find(queue);
        if (sequence == 0)
        {
            return new EventSequenceTokenV2(0);
        }

        if (sequence == ulong.MaxValue)
        {
            var stream = await definition.JetStream.GetStreamAsync(definition.JetStreamName, cancellationToken: cancellationToken);
            sequence = stream.Info.State.LastSeq + 1;
        }

        var register = new StateRegister(definition.JetStream, _parts.Names, _parts.Options.Replicas);
        var (record, _) = await register.ReadAsync<QueueRecord>(QueueRecord.KeyOf(queue), cancellationToken);

        // Orleans goes on after a token: after the last event that the message before may have.
        return new EventSequenceTokenV2((record?.Base ?? 0) + (long)sequence - 1, int.MaxValue);
    }

    /// <summary>
    /// Lets a queue be read again from a sequence on; 0 for the oldest message, <see cref="ulong.MaxValue"/> for new ones only.
    /// </summary>
    /// <returns>
    /// What was asked for and is gone; null when everything asked for is there. It is also reported to the consumers.
    /// </returns>
    /// <exception cref="ArgumentException">There is no such queue.</exception>
    /// <exception cref="NATS.Client.Core.NatsException">The server does not answer.</exception>
    public async Task<LostMessages?> MoveAsync(string queue, ulong sequence, CancellationToken cancellationToken = default)
    {
        var definition = Find(queue);
        var register = new StateRegister(definition.JetStream, _parts.Names, _parts.Options.Replicas);
        await register.EnsureAsync(cancellationToken);
        var stream = (await definition.JetStream.GetStreamAsync(definition.JetStreamName, cancellationToken: cancellationToken)).Info;
        var (first, last) = (stream.State.FirstSeq, stream.State.LastSeq);
        var floor = sequence switch
        {
            0 => Math.Max(first, 1) - 1,
            ulong.MaxValue => last,
            _ => Math.Min(sequence - 1, last),
        };
        await WriteAsync(register, definition, floor, stream.Created, cancellationToken);
        return sequence is not (0 or ulong.MaxValue) && first > sequence
            ? new LostMessages(sequence, first - 1, "the JetStream stream does not keep them any more")
            : null;
    }

    // Whoever has the queue writes to the same record; then it is read again and written over the newer one.
    private static async Task WriteAsync(
        StateRegister register, QueueDefinition queue, ulong floor, DateTimeOffset created, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (record, revision) = await register.ReadAsync<QueueRecord>(QueueRecord.KeyOf(queue.Name), cancellationToken);
            try
            {
                // No owner, and an epoch without a consumer: the next owner has nothing but this floor to go by.
                await register.WriteAsync(
                    QueueRecord.KeyOf(queue.Name),
                    new QueueRecord((record?.Epoch ?? 0) + 1, Owner: "", Released: true, created, floor, record?.Base ?? 0),
                    revision,
                    cancellationToken);
            }
            catch (JetStreamConflictException)
            {
                continue;
            }

            if (record is not null)
            {
                await EndConsumerAsync(queue, record, cancellationToken);
            }

            return;
        }
    }

    private static async Task EndConsumerAsync(QueueDefinition queue, QueueRecord record, CancellationToken cancellationToken)
    {
        try
        {
            await queue.JetStream.DeleteConsumerAsync(queue.JetStreamName, record.Consumer, cancellationToken);
        }
        catch (NatsJSApiException gone) when (gone.Error.Code == 404)
        {
            // Nobody has the queue.
        }
    }

    private QueueDefinition Find(string queue) =>
        _parts.Queues.FirstOrDefault(one => one.Name == queue)
        ?? throw new ArgumentException(
            $"there is no queue '{queue}'; there are: {string.Join(", ", _parts.Queues.Select(one => one.Name))}", nameof(queue));
}
