using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Nats;

/// <summary>Owns one queue while its silo does: takes it, reads it in order, and takes it again whatever happens to the server.</summary>
internal sealed partial class QueueReader(
    QueueDefinition queue, QueueOwnership ownership, TrialLock trials, JetStreamStreamOptions options, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RetryDelayMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RivalDelay = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RivalCheck = TimeSpan.FromMilliseconds(500);

    // As many as the server may deliver: its own bound on unacknowledged messages comes first, so writing never waits.
    private readonly Channel<HeldMessage> _arrivals = Channel.CreateBounded<HeldMessage>(
        new BoundedChannelOptions(options.WindowMessagesMax + 1) { SingleReader = true, SingleWriter = true });

    private OwnedQueue? _owned;
    private ulong _lastSequence;
    private ulong _lastDelivery;

    /// <summary>What was read and is not acknowledged.</summary>
    public AckWindow Window { get; } = new();

    /// <summary>What was read, in order, for the pulling agent.</summary>
    public ChannelReader<HeldMessage> Arrivals => _arrivals.Reader;

    /// <summary>The queue as it was taken last; null before.</summary>
    public QueueRecord? Taken => _owned?.Record;

    /// <summary>Why the queue is not being read; null while it is.</summary>
    public string? NotReady { get; private set; } = "it was not taken yet";

    /// <summary>How many more messages the server had at the last delivery.</summary>
    public ulong Pending { get; private set; }

    /// <summary>The last gap that was found; null when there was none.</summary>
    public LostMessages? LastLost { get; private set; }

    /// <summary>
    /// Called when a message may be acknowledged at once; when another silo had the queue; when messages are lost; for poison.
    /// </summary>
    public required IQueueObserver Observer { get; init; }

    /// <summary>Reads until it is cancelled. Never fails.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Leaves the scheduler of the pulling agent: reading must not wait for its turns.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await TakeAsync(cancellationToken);
                failures = 0;
                await ReadAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception fault) when (IsOfTheServer(fault))
            {
                if (fault is not StreamMissingException || NotReady != fault.Message)
                {
                    LogNotReady(queue.Name, fault.Message);
                }

                NotReady = fault.Message;
            }
#pragma warning disable CA1031 // The top of a loop that must go on: a defect here must not end the queue. It shows as not ready.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                NotReady = fault.Message;
                Observer.Failed(fault);
            }

            await PauseAsync(failures++, cancellationToken);
        }

        NotReady = "the silo gave it up";
        _arrivals.Writer.TryComplete();
    }

    /// <summary>Lets the next owner take the queue without waiting.</summary>
    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        if (_owned is { } owned)
        {
            await ownership.ReleaseAsync(owned, DoneThrough(owned), cancellationToken);
        }
    }

    private async Task TakeAsync(CancellationToken cancellationToken)
    {
        var before = _owned;
        await LetRivalGoOnAsync(before, cancellationToken);
        var owned = await ownership.TakeAsync(before?.Record, before is null ? 0 : DoneThrough(before), cancellationToken);
        _owned = owned;
        _lastDelivery = 0;
        Window.Rebegin();
        if (!owned.WasOwn || owned.Record.Base != before!.Record.Base)
        {
            // Not ours in between, or another stream of the same name: what is held belongs to the past.
            await Observer.AbandonAsync(owned.Record.Epoch);
            while (_arrivals.Reader.TryRead(out _))
            {
            }

            Window.Reset(owned.Position.Base + (long)owned.Position.Floor);
            _lastSequence = owned.Position.Floor;
        }

        if (owned.Position.Lost is { } lost)
        {
            _lastSequence = Math.Max(_lastSequence, owned.Position.Floor);
            LastLost = lost;
            Observer.Lost(lost);
        }

        NotReady = null;
        LogTaken(queue.Name, queue.JetStreamName, owned.Record.Epoch, owned.Position.Floor + 1);
        if (owned.Record.Suspicion is { TrialsThrough: > 0 } suspicion)
        {
            LogSuspicion(queue.Name, suspicion.Deaths, suspicion.TrialsThrough);
        }
    }

    private ulong DoneThrough(OwnedQueue owned) => (ulong)Math.Max(0, Window.DoneThrough - owned.Record.Base);

    // When our consumer was deleted by another silo, that one believes that the queue is its own, as we do. The balancer will
    // tell one of us otherwise; taking the queue back at once would only have us take it from each other until then.
    private async Task LetRivalGoOnAsync(OwnedQueue? before, CancellationToken cancellationToken)
    {
        var waitUntil = time.GetUtcNow() + RivalDelay;
        while (before is not null
            && time.GetUtcNow() < waitUntil
            && !await ownership.MayTakeAsync(before.Record.Epoch, cancellationToken))
        {
            NotReady = "another silo has it";
            await Task.Delay(RivalCheck, time, cancellationToken);
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var consumer = $"{queue.JetStreamName}.{_owned!.Record.Consumer}";
        var limits = new PullLimits(options.WindowMessagesMax, options.WindowBytesMax, () => (Window.Count, Window.Bytes));
        await using var session = await PullSession.OpenAsync(queue.JetStream, consumer, limits, time, cancellationToken);
        var batch = new List<NatsMsg<byte[]>>();
        while (true)
        {
            batch.Clear();
            await session.ReadAsync(batch, cancellationToken);
            var now = time.GetTimestamp();
            foreach (var message in batch)
            {
                await AcceptAsync(message, now, cancellationToken);
            }
        }
    }

    private async ValueTask AcceptAsync(NatsMsg<byte[]> message, long now, CancellationToken cancellationToken)
    {
        if (!AckSubject.TryParse(message.ReplyTo, out var delivery))
        {
            return;
        }

        // A delivery that was lost on its way would come again after later ones. Then the consumer is made anew instead.
        if (delivery.Delivery != _lastDelivery + 1)
        {
            throw new ConsumerLostException($"delivery {delivery.Delivery} came after {_lastDelivery}");
        }

        _lastDelivery = delivery.Delivery;
        Pending = delivery.Pending;
        if (delivery.Sequence <= _lastSequence)
        {
            Observer.Redelivered();
            if (Window.Rebind(PositionOf(delivery), message.ReplyTo!))
            {
                Observer.AcknowledgeAgain();
            }
        }
        else if (delivery.Sequence <= _owned!.Record.Suspicion?.TrialsThrough)
        {
            await TryAloneAsync(message, delivery, cancellationToken);
        }
        else
        {
            await HandOnAsync(Hold(message, delivery, now, out var content), content, cancellationToken);
        }
    }

    // Written down before anything of the message is looked at, and confirmed before another one gets the turn: if the silo dies in
    // between, it was with this one.
    private async Task TryAloneAsync(NatsMsg<byte[]> message, AckSubject delivery, CancellationToken cancellationToken)
    {
        await trials.WaitAsync(cancellationToken);
        try
        {
            var attempts = _owned!.Record.Suspicion!.TrialsOf(delivery.Sequence);
            if (attempts >= options.CrashAttemptsMax)
            {
                Observer.Convicted(Hold(message, delivery, time.GetTimestamp(), out _, MessageContent.Nothing), attempts);
                return;
            }

            _owned = await ownership.TryAloneAsync(_owned, delivery.Sequence, DoneThrough(_owned), cancellationToken);
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await HandOnAsync(Hold(message, delivery, time.GetTimestamp(), out var content, done: done), content, cancellationToken);
            await done.Task.WaitAsync(cancellationToken);
            await Observer.ConfirmAsync(cancellationToken);
        }
        finally
        {
            trials.Release();
        }
    }

    private ValueTask HandOnAsync(HeldMessage held, MessageContent content, CancellationToken cancellationToken)
    {
        if (content.PoisonReason is { } poison)
        {
            Observer.Poison(held, poison);
            return ValueTask.CompletedTask;
        }

        if (held.Events.Length == 0)
        {
            Observer.Ignored(held);
            return ValueTask.CompletedTask;
        }

        return _arrivals.Writer.WriteAsync(held, cancellationToken);
    }

    private HeldMessage Hold(
        NatsMsg<byte[]> message,
        AckSubject delivery,
        long now,
        out MessageContent content,
        MessageContent? known = null,
        TaskCompletionSource? done = null)
    {
        var stored = new JetStreamMessage(
            queue.Name, message.Subject, message.Headers, message.Data ?? [], delivery.Sequence, delivery.StoredAt);
        content = known ?? queue.Reader.Read(stored);
        _lastSequence = delivery.Sequence;
        var held = new HeldMessage
        {
            Message = stored,
            Position = PositionOf(delivery),
            Epoch = _owned!.Record.Epoch,
            AckSubject = message.ReplyTo!,
            Size = message.Size,
            Stream = content.Stream,
            Events = content.Events,
            RequestContext = content.RequestContext,
            HeardAt = now,
            Done = done,
        };
        Window.Hold(held);
        return held;
    }

    private long PositionOf(AckSubject delivery) => _owned!.Record.Base + (long)delivery.Sequence;

    private async Task PauseAsync(int failures, CancellationToken cancellationToken) =>
        await Task.Delay(RetryPause.Doubled(RetryDelay, failures, RetryDelayMax), time, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private static bool IsOfTheServer(Exception fault) =>
        fault is NatsException or ConsumerLostException or StreamMissingException or JetStreamConflictException
            or PartitionMismatchException or TimeoutException or OperationCanceledException or IOException;

    [LoggerMessage(LogLevel.Information, "Took queue {Queue}: reads {JetStream} in epoch {Epoch} from sequence {Sequence}")]
    private partial void LogTaken(string queue, string jetStream, long epoch, ulong sequence);

    [LoggerMessage(
        LogLevel.Warning, "{Deaths} owners of queue {Queue} died in a row: its messages up to sequence {Sequence} are tried one at a time")]
    private partial void LogSuspicion(string queue, int deaths, ulong sequence);

    [LoggerMessage(LogLevel.Warning, "Queue {Queue} is not read: {Reason}")]
    private partial void LogNotReady(string queue, string reason);
}

/// <summary>What a queue's reader meets.</summary>
internal interface IQueueObserver
{
    /// <summary>Nothing of the message is to be delivered.</summary>
    void Ignored(HeldMessage message);

    /// <summary>The message cannot be read.</summary>
    void Poison(HeldMessage message, string reason);

    /// <summary>Silos died, each of them while it was handling the message and no other.</summary>
    void Convicted(HeldMessage message, int deaths);

    /// <summary>A message came again and was dropped.</summary>
    void Redelivered();

    /// <summary>The newest message that is done came again: its acknowledgement was lost.</summary>
    void AcknowledgeAgain();

    /// <summary>Acknowledges what is done and returns when the server has confirmed it.</summary>
    Task ConfirmAsync(CancellationToken cancellationToken);

    /// <summary>A defect broke the reading off; it is tried again.</summary>
    void Failed(Exception defect);

    /// <summary>Messages are gone.</summary>
    void Lost(LostMessages lost);

    /// <summary>Another silo had the queue, or the stream is another: what was read before the epoch is to be forgotten.</summary>
    Task AbandonAsync(long epoch);
}
