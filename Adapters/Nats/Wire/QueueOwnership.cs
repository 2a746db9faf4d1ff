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
    QueueDefinition queue,
    string provider,
    ProviderNames names,
    StateRegister register,
    JetStreamStreamOptions options,
    QueueOwner owner,
    TimeProvider time)
{
    private const int NotFound = 404;
    private const int Unavailable = 503;

    // nats-server 2.9.10 was seen with consumers that found no leader any more although two of three members ran, until a third came back.
    private static readonly TimeSpan StalledWait = TimeSpan.FromSeconds(30);

    private DateTimeOffset? _stalledSince;

    private string RecordKey => QueueRecord.KeyOf(queue.Name);

    /// <summary>Takes the queue. Safe to repeat: each time there is a new consumer.</summary>
    /// <param name="before">The queue as the caller owned it last; null if it never did.</param>
    /// <param name="doneThrough">Up to which sequence everything was done then.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="JetStreamConflictException">Somebody else took the queue meanwhile.</exception>
    public async Task<OwnedQueue> TakeAsync(QueueRecord? before, ulong doneThrough, CancellationToken cancellationToken)
    {
        await PartitionRecord.VerifyAsync(register, provider, options.Partitions, names, cancellationToken);
        var stream = await EnsureStreamAsync(cancellationToken);
        var (record, revision) = await register.ReadAsync<QueueRecord>(RecordKey, cancellationToken);

        // A server that came back empty knows nothing of the queue: then what its owner remembers says what is lost, and from where
        // positions go on.
        record ??= before;
        var wasOwn = record is not null && record.Epoch == before?.Epoch;
        var reading = record is null ? default : await ReadConsumerAsync(record.Consumer, mayMiss: wasOwn, cancellationToken);
        var floor = wasOwn && doneThrough > (reading.Floor ?? 0) ? doneThrough : reading.Floor;
        var bounds = new StreamBounds(stream.Created, stream.State.FirstSeq, stream.State.LastSeq);
        var position = QueuePosition.Decide(record, floor, bounds, queue.Start);
        var epoch = (record?.Epoch ?? 0) + 1;
        var taken = new QueueRecord(epoch, owner.Name, Released: false, stream.Created, position.Floor, position.Base, ConsumerName(epoch))
        {
            Suspicion = record is null || record.Base != position.Base
                ? null
                : Suspicion.Judge(record.Suspicion, position.Floor, reading.Delivered, !wasOwn && HasDied(record)),
        };
        revision = await register.WriteAsync(RecordKey, taken, revision, cancellationToken);

        await queue.JetStream.CreateOrUpdateConsumerAsync(queue.JetStreamName, Configure(taken), cancellationToken);
        await VerifyAsync(taken, cancellationToken);
        await DeleteEarlierAsync(taken.Epoch, cancellationToken);
        return new OwnedQueue(taken, revision, position, wasOwn);
    }

    /// <summary>Writes down that a message is about to be tried alone. Returns the queue as it is owned then.</summary>
    /// <exception cref="JetStreamConflictException">Somebody else took the queue meanwhile.</exception>
    public async Task<OwnedQueue> TryAloneAsync(OwnedQueue owned, ulong sequence, ulong doneThrough, CancellationToken cancellationToken)
    {
        var tried = owned.Record with
        {
            Floor = Math.Max(owned.Record.Floor, doneThrough),
            Suspicion = owned.Record.Suspicion?.Try(sequence),
        };
        return owned with { Record = tried, Revision = await register.WriteAsync(RecordKey, tried, owned.Revision, cancellationToken) };
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
        // Where it is ours to make, whatever is stored from its making on will be read.
        if (queue.Create is { } stream)
        {
            return await new JetStreamStore(queue.JetStream, stream).GetStateAsync(cancellationToken);
        }

        try
        {
            return (await queue.JetStream.GetStreamAsync(queue.JetStreamName, cancellationToken: cancellationToken)).Info;
        }
        catch (NatsJSApiException missing) when (missing.Error.Code == NotFound)
        {
            throw new StreamMissingException(
                $"it waits for the JetStream stream {queue.JetStreamName}, which is not there and not ours to make; "
                + "a broker that makes it does so up to a minute after its first start");
        }
    }

    private bool HasDied(QueueRecord record) => !record.Released && record.Owner.Length > 0 && !owner.IsAlive(record.Owner);

    // Without an answer of the consumer there is what its own owner remembers. Anybody else has the record only, which may be old, and
    // repeats from there: so first it is waited for.
    private async Task<(ulong? Floor, ulong? Delivered)> ReadConsumerAsync(string name, bool mayMiss, CancellationToken cancellationToken)
    {
        if (name.Length == 0)
        {
            return default;
        }

        try
        {
            var consumer = await queue.JetStream.GetConsumerAsync(queue.JetStreamName, name, cancellationToken);
            _stalledSince = null;
            return (consumer.Info.AckFloor?.StreamSeq, consumer.Info.Delivered?.StreamSeq);
        }
        catch (NatsJSApiException gone) when (gone.Error.Code == NotFound || (gone.Error.Code == Unavailable && (mayMiss || HasStalled())))
        {
            return default;
        }
    }

    private bool HasStalled()
    {
        _stalledSince ??= time.GetUtcNow();
        return time.GetUtcNow() - _stalledSince >= StalledWait;
    }

    private ConsumerConfig Configure(QueueRecord taken) => new(taken.Consumer)
    {
        DurableName = taken.Consumer,
        Description = $"read by {owner.Name}",
        DeliverPolicy = ConsumerConfigDeliverPolicy.ByStartSequence,
        OptStartSeq = taken.Floor + 1,
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
            await DeleteAsync(taken.Consumer, cancellationToken);
            throw new JetStreamConflictException($"'{record?.Owner}' took the queue '{queue.Name}' meanwhile");
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
        catch (NatsJSApiException gone) when (gone.Error.Code is NotFound or Unavailable)
        {
            // Its owner or another silo was faster; or it has stalled, delivers nothing, and is deleted when the queue is taken the next
            // time.
        }
        catch (NatsJSApiNoResponseException)
        {
            // The same: the answer is the consumer's leader's to give.
        }
    }

    private string ConsumerName(long epoch) =>
        string.Create(CultureInfo.InvariantCulture, $"{names.ConsumerPrefix(queue.Name)}{epoch}");
}

/// <summary>A queue that was taken.</summary>
/// <param name="Record">What the register says of it.</param>
/// <param name="Revision">The revision of that.</param>
/// <param name="Position">Where it goes on.</param>
/// <param name="WasOwn">Whether nobody else had it since the caller had it last.</param>
internal sealed record OwnedQueue(QueueRecord Record, ulong Revision, QueuePosition Position, bool WasOwn);

/// <summary>The stream is not there yet, and somebody else makes it.</summary>
internal sealed class StreamMissingException(string message) : Exception(message);
