using System.Globalization;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>Takes a queue over: from now on its consumer is ours, and what earlier owners acknowledge goes nowhere.</summary>
/// <remarks>
/// Every owner reads by a durable consumer of its own, that begins where the one before had acknowledged and carries the
/// owner's epoch in its name. The epoch is won by compare-and-set in the register, so that of two silos that both believe the
/// queue is theirs one learns otherwise; the loser's consumer is deleted, so it learns at once. A consumer made anew delivers
/// what was on its way first and in order, with no waiting for AckWait: taking over never reorders.
/// </remarks>
internal sealed class QueueOwnership(
    QueueDefinition queue, string provider, ProviderNames names, StateRegister register, JetStreamStreamOptions options, string owner)
{
    private const int NotFound = 404;

    private string RecordKey => QueueRecord.KeyOf(queue.Name);

    /// <summary>Takes the queue. Safe to repeat: each time there is a new consumer.</summary>
    /// <param name="doneThrough">Up to which sequence everything is done, if the caller still owned the queue; else null.</param>
    /// <param name="ownEpoch">The caller's epoch when it last owned the queue; 0 if it never did.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="RegisterConflictException">Somebody else took the queue meanwhile.</exception>
    public async Task<OwnedQueue> TakeAsync(ulong? doneThrough, long ownEpoch, CancellationToken cancellationToken)
    {
        await PartitionRecord.VerifyAsync(register, provider, options.Partitions, names, cancellationToken);
        var stream = await EnsureStreamAsync(cancellationToken);
        var (record, revision) = await register.ReadAsync<QueueRecord>(RecordKey, cancellationToken);
        var floor = record is null ? null : await ReadFloorAsync(record.Consumer, cancellationToken);
        if (record is not null && record.Epoch == ownEpoch && doneThrough > (floor ?? 0))
        {
            floor = doneThrough;
        }

        var bounds = new StreamBounds(stream.Created, stream.State.FirstSeq, stream.State.LastSeq);
        var position = QueuePosition.Decide(record, floor, bounds, queue.Start);
        var epoch = (record?.Epoch ?? 0) + 1;
        var consumer = ConsumerName(epoch);
        var taken = new QueueRecord(epoch, owner, Released: false, stream.Created, position.Floor, position.Base, consumer);
        revision = await register.WriteAsync(RecordKey, taken, revision, cancellationToken);

        await queue.JetStream.CreateOrUpdateConsumerAsync(queue.JetStreamName, Configure(consumer, position.Floor), cancellationToken);
        await VerifyAsync(taken, cancellationToken);
        await DeleteEarlierAsync(taken.Epoch, cancellationToken);
        return new OwnedQueue(consumer, taken, revision, position, record is not null && record.Epoch == ownEpoch);
    }

    /// <summary>Whether the queue is, or may be taken to be, free: nobody has it, or its owner let it go, or it is the caller's.</summary>
    public async Task<bool> MayTakeAsync(long ownEpoch, CancellationToken cancellationToken)
    {
        var (record, _) = await register.ReadAsync<QueueRecord>(RecordKey, cancellationToken);
        return record is null || record.Released || record.Epoch == ownEpoch;
    }

    /// <summary>Says how far the queue was read and that it may be taken without waiting. If this fails it costs a few seconds.</summary>
    public async Task ReleaseAsync(OwnedQueue owned, ulong doneThrough, CancellationToken cancellationToken) =>
        await register.WriteAsync(
            RecordKey,
            owned.Record with { Released = true, Floor = Math.Max(owned.Record.Floor, doneThrough) },
            owned.Revision,
            cancellationToken);

    private async Task<StreamInfo> EnsureStreamAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await queue.JetStream.GetStreamAsync(queue.JetStreamName, cancellationToken: cancellationToken)).Info;
        }
        catch (NatsJSApiException missing) when (missing.Error.Code == NotFound && queue.Create is not null)
        {
            return (await queue.JetStream.CreateStreamAsync(queue.Create, cancellationToken)).Info;
        }
    }

    private async Task<ulong?> ReadFloorAsync(string name, CancellationToken cancellationToken)
    {
        if (name.Length == 0)
        {
            return null;
        }

        try
        {
            var consumer = await queue.JetStream.GetConsumerAsync(queue.JetStreamName, name, cancellationToken);
            return consumer.Info.AckFloor?.StreamSeq;
        }
        catch (NatsJSApiException gone) when (gone.Error.Code == NotFound)
        {
            return null;
        }
    }

    private ConsumerConfig Configure(string name, ulong floor) => new(name)
    {
        DurableName = name,
        Description = $"read by {owner}",
        DeliverPolicy = ConsumerConfigDeliverPolicy.ByStartSequence,
        OptStartSeq = floor + 1,
        AckPolicy = ConsumerConfigAckPolicy.All,
        AckWait = options.AckWait,
        MaxAckPending = options.WindowMessagesMax,
        MaxDeliver = -1,
        FilterSubject = queue.Subjects.Count == 1 ? queue.Subjects[0] : null,
    };

    // Whoever takes the queue later deletes the consumers that it sees. One that was slow to make its consumer may have made it
    // after that: it sees here that it is late, and takes it away itself.
    private async Task VerifyAsync(QueueRecord taken, CancellationToken cancellationToken)
    {
        var (record, _) = await register.ReadAsync<QueueRecord>(RecordKey, cancellationToken);
        if (record?.Epoch != taken.Epoch)
        {
            await DeleteAsync(ConsumerName(taken.Epoch), cancellationToken);
            throw new RegisterConflictException($"'{record?.Owner}' took the queue '{queue.Name}' meanwhile");
        }
    }

    // Also those that an owner which died between two steps left behind.
    private async Task DeleteEarlierAsync(long epoch, CancellationToken cancellationToken)
    {
        var prefix = names.ConsumerPrefix(queue.Name);
        var earlier = new List<string>();
        await foreach (var name in queue.JetStream.ListConsumerNamesAsync(queue.JetStreamName, cancellationToken))
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal)
                && long.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var other)
                && other < epoch)
            {
                earlier.Add(name);
            }
        }

        foreach (var consumer in earlier)
        {
            await DeleteAsync(consumer, cancellationToken);
        }
    }

    private async Task DeleteAsync(string consumer, CancellationToken cancellationToken)
    {
        try
        {
            await queue.JetStream.DeleteConsumerAsync(queue.JetStreamName, consumer, cancellationToken);
        }
        catch (NatsJSApiException gone) when (gone.Error.Code == NotFound)
        {
            // Its owner or another silo was faster.
        }
    }

    private string ConsumerName(long epoch) =>
        string.Create(CultureInfo.InvariantCulture, $"{names.ConsumerPrefix(queue.Name)}{epoch}");
}

/// <summary>A queue that was taken.</summary>
/// <param name="Consumer">The name of its consumer.</param>
/// <param name="Record">What the register says of it.</param>
/// <param name="Revision">The revision of that.</param>
/// <param name="Position">Where it goes on.</param>
/// <param name="WasOwn">Whether nobody else had it since the caller had it last.</param>
internal sealed record OwnedQueue(string Consumer, QueueRecord Record, ulong Revision, QueuePosition Position, bool WasOwn);
