using System.Globalization;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>One queue, for the pulling agent that has it: what is read goes in, what was delivered is acknowledged.</summary>
internal sealed partial class JetStreamReceiver : IQueueAdapterReceiver, IQueueEvents, IQueueObserver, IDisposable
{
    // How long the agent waits for messages: it looks after itself (unused streams) in between. Nothing depends on it.
    private static readonly TimeSpan PollTime = TimeSpan.FromSeconds(10);

    private readonly QueueDefinition _queue;
    private readonly QueueReader _reader;
    private readonly Acknowledger _acknowledger;
    private readonly DeadLetterWriter _deadLetters;
    private readonly QueueMetrics _metrics;
    private readonly JetStreamStreamOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Func<StreamId, string>? _subjectOf;
    private readonly HashSet<StreamId> _awake = [];
    private readonly CancellationTokenSource _stopping = new();
    private TaskScheduler? _agent;
    private Task _running = Task.CompletedTask;
    private Task? _waking;
    private TaskCompletionSource _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public JetStreamReceiver(
        QueueDefinition queue, QueueOwnership ownership, ProviderParts parts, QueueMetrics metrics, ILogger logger)
    {
        _queue = queue;
        _options = parts.Options;
        _metrics = metrics;
        _time = parts.Time;
        _logger = logger;
        _reader = new QueueReader(queue, ownership, parts.Trials, _options, _time, logger) { Observer = this };
        _acknowledger = new Acknowledger(queue.Connection, _reader.Window, _options.AckWait, _time);
        _deadLetters = new DeadLetterWriter(queue, parts.Names, _options, Complete, _time, logger);
        Cache = new QueueCache(_options, this);
        _subjectOf = parts.SubjectsOf(queue);
    }

    public QueueCache Cache { get; }

    /// <summary>How the queue is doing, as far as this silo can say.</summary>
    public JetStreamQueueStatus Status => new(
        _queue.Name,
        _reader.NotReady,
        _reader.Window.Count,
        _reader.Window.Bytes,
        (long)_reader.Pending,
        _reader.Window.OldestStoredAt() is { } oldest ? _time.GetUtcNow() - oldest : TimeSpan.Zero,
        _reader.LastLost);

    public Task Initialize(TimeSpan timeout)
    {
        _agent = TaskScheduler.Current;
        _metrics.Register(this);
        _running = Task.WhenAll(
            _reader.RunAsync(_stopping.Token),
            KeepAsync("acknowledging", _acknowledger.AcknowledgeAsync),
            KeepAsync("keeping in progress", _acknowledger.KeepInProgressAsync),
            KeepAsync("dead letters", _deadLetters.RunAsync));
        return Task.CompletedTask;
    }

    public Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount) => GetQueueMessagesAsync(maxCount, CancellationToken.None);

    public async Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount, CancellationToken cancellationToken)
    {
        Cache.AgentStopping = cancellationToken;
        if (!_reader.Arrivals.TryPeek(out _))
        {
            await WaitAsync(cancellationToken);
        }

        var byStream = new Dictionary<StreamId, List<HeldMessage>>();
        TakeAwake(byStream);
        var count = 0;
        var bytes = 0L;
        for (; count < maxCount && _reader.Arrivals.TryRead(out var message); count++)
        {
            if (!byStream.TryGetValue(message.Stream, out var messages))
            {
                byStream[message.Stream] = messages = [];
            }

            messages.Add(message);
            bytes += message.Size;
        }

        if (count > 0)
        {
            _metrics.Read(_queue.Name, count, bytes);
        }

        return [.. byStream.Select(stream => new HeldBatch(stream.Key, stream.Value))];
    }

    public Task MessagesDeliveredAsync(IList<IBatchContainer> messages) => Task.CompletedTask;

    /// <summary>Stops reading, acknowledges what was delivered and lets the next owner go on from there.</summary>
    public async Task Shutdown(TimeSpan timeout)
    {
        await _stopping.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        _metrics.Unregister(this);
        using var limit = new CancellationTokenSource(timeout, _time);
        try
        {
            await _acknowledger.FlushAsync(limit.Token);
            await _reader.ReleaseAsync(limit.Token);
        }
        catch (Exception fault) when (
            fault is NatsException or OperationCanceledException or JetStreamConflictException or TimeoutException)
        {
            LogReleaseFailed(_queue.Name, fault.Message);
        }

        Dispose();
    }

    public void Dispose() => _stopping.Dispose();

    void IQueueEvents.Completed(HeldMessage message)
    {
        if (!message.IsBuried)
        {
            Complete(message);
        }
    }

    void IQueueEvents.Failed(HeldMessage message)
    {
        _metrics.DeadLetter(_queue.Name, "delivery");
        _deadLetters.Bury(message, string.Create(
            CultureInfo.InvariantCulture,
            $"its consumer on {message.Stream} failed {_options.DeliveryAttemptsMax} times or for {_options.DeliveryRetryTime}; see the silo's log"));
    }

    EventHistory? IQueueEvents.OpenHistory(StreamId streamId, StreamSequenceToken after) =>
        _reader.Taken is { } taken && _subjectOf?.Invoke(streamId) is { } subject
            ? new EventHistory(
                _queue, subject, taken, after, () => Wake(streamId), defect => Failed("history", defect), _time, _stopping.Token)
            : null;

    void IQueueEvents.Unclaimed(StreamId stream, int messages)
    {
        _metrics.Unclaimed(_queue.Name, messages);
        LogUnclaimed(_queue.Name, stream, messages);
    }

    void IQueueObserver.Ignored(HeldMessage message) => Complete(message);

    void IQueueObserver.Poison(HeldMessage message, string reason)
    {
        _metrics.DeadLetter(_queue.Name, "poison");
        _deadLetters.Bury(message, reason);
    }

    void IQueueObserver.Convicted(HeldMessage message, int deaths)
    {
        _metrics.DeadLetter(_queue.Name, "crash");
        _deadLetters.Bury(message, string.Create(
            CultureInfo.InvariantCulture, $"{deaths} silos died, each while it was handling this message and no other; see their logs"));
    }

    void IQueueObserver.Redelivered() => _metrics.Redelivered(_queue.Name);

    void IQueueObserver.AcknowledgeAgain() => _acknowledger.Signal();

    Task IQueueObserver.ConfirmAsync(CancellationToken cancellationToken) => _acknowledger.FlushAsync(cancellationToken);

    void IQueueObserver.Failed(Exception defect) => Failed("reading", defect);

    void IQueueObserver.Lost(LostMessages lost)
    {
        _metrics.Lost(_queue.Name);
        LogLost(_queue.Name, lost.From, lost.Through, lost.Reason);
        OnAgent(() => Cache.SignalLost(new JetStreamDataLostException(_queue.Name, lost)));
    }

    Task IQueueObserver.AbandonAsync(long epoch) => OnAgent(() => Cache.Abandon(epoch));

    // The agent looks at a stream only when something came for it.
    private void Wake(StreamId streamId) => OnAgent(() =>
    {
        _awake.Add(streamId);
        _woken.TrySetResult();
    });

    private void TakeAwake(Dictionary<StreamId, List<HeldMessage>> byStream)
    {
        if (_awake.Count > 0)
        {
            foreach (var streamId in _awake)
            {
                byStream[streamId] = [];
            }

            _awake.Clear();
            _woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    // The cache belongs to the agent's turns.
    private Task OnAgent(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.None, _agent ?? TaskScheduler.Default);

    private Task KeepAsync(string loop, Func<CancellationToken, Task> run) =>
        QueueLoop.RunAsync(run, defect => Failed(loop, defect), _time, _stopping.Token);

    private void Failed(string loop, Exception defect)
    {
        if (!_stopping.IsCancellationRequested)
        {
            _metrics.LoopFailed(loop);
            LogFailed(_queue.Name, loop, defect);
        }
    }

    private void Complete(HeldMessage message)
    {
        if (_reader.Window.Complete(message))
        {
            _acknowledger.Signal();
        }
    }

    // The channel keeps a waiter until the next message comes, however long that is: so there is one, and not one for each poll.
    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        _waking ??= Task.WhenAny(_reader.Arrivals.WaitToReadAsync(CancellationToken.None).AsTask(), _woken.Task);
        try
        {
            await _waking.WaitAsync(PollTime, _time, cancellationToken);
            _waking = null;
        }
        catch (Exception nothing) when (nothing is TimeoutException or OperationCanceledException)
        {
            // The agent looks after itself, or stops.
        }
    }

    [LoggerMessage(LogLevel.Error, "Queue {Queue}: '{Loop}' was broken off by a defect and is begun again")]
    private partial void LogFailed(string queue, string loop, Exception defect);

    [LoggerMessage(LogLevel.Warning, "Queue {Queue}: nobody subscribes to {Stream}; {Messages} messages were let go")]
    private partial void LogUnclaimed(string queue, StreamId stream, int messages);

    [LoggerMessage(LogLevel.Error, "Queue {Queue}: data lost, messages {From} to {Through}: {Reason}")]
    private partial void LogLost(string queue, ulong from, ulong? through, string reason);

    [LoggerMessage(LogLevel.Warning, "Queue {Queue} was not handed over in order; its next owner waits for it or repeats: {Reason}")]
    private partial void LogReleaseFailed(string queue, string reason);
}
