using System.Threading.Channels;
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
    private static readonly byte[] Ack = "+ACK"u8.ToArray();
    private static readonly byte[] InProgress = "+WPI"u8.ToArray();

    private readonly QueueDefinition _queue;
    private readonly QueueReader _reader;
    private readonly JetStreamStreamOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<bool> _acknowledge = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private TaskScheduler? _agent;
    private Task _running = Task.CompletedTask;
    private string? _lastAckSubject;

    public JetStreamReceiver(QueueDefinition queue, QueueOwnership ownership, JetStreamStreamOptions options, TimeProvider time, ILogger logger)
    {
        _queue = queue;
        _options = options;
        _time = time;
        _logger = logger;
        _reader = new QueueReader(queue, ownership, options, time, logger) { Observer = this };
        Cache = new QueueCache(options, this);
    }

    public QueueCache Cache { get; }

    public Task Initialize(TimeSpan timeout)
    {
        _agent = TaskScheduler.Current;
        _running = Task.WhenAll(_reader.RunAsync(_stopping.Token), AcknowledgeAsync(_stopping.Token), KeepInProgressAsync(_stopping.Token));
        return Task.CompletedTask;
    }

    public Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount) => GetQueueMessagesAsync(maxCount, CancellationToken.None);

    public async Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount, CancellationToken cancellationToken)
    {
        Cache.AgentStopping = cancellationToken;
        if (!_reader.Arrivals.TryPeek(out _) && !await WaitAsync(cancellationToken))
        {
            return [];
        }

        var byStream = new Dictionary<StreamId, List<HeldMessage>>();
        for (var count = 0; count < maxCount && _reader.Arrivals.TryRead(out var message); count++)
        {
            if (!byStream.TryGetValue(message.Stream, out var messages))
            {
                byStream[message.Stream] = messages = [];
            }

            messages.Add(message);
        }

        return [.. byStream.Select(stream => new Arrival(stream.Key, stream.Value))];
    }

    public Task MessagesDeliveredAsync(IList<IBatchContainer> messages) => Task.CompletedTask;

    /// <summary>Stops reading, acknowledges what was delivered and lets the next owner go on from there.</summary>
    public async Task Shutdown(TimeSpan timeout)
    {
        await _stopping.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        using var limit = new CancellationTokenSource(timeout, _time);
        try
        {
            if ((_reader.Window.TakeAcknowledgement() ?? _lastAckSubject) is { } subject)
            {
                // Confirmed, unlike those before it: nobody will send a later one that makes up for it.
                await _queue.Connection.RequestAsync<byte[], byte[]>(
                    subject, Ack, requestSerializer: NatsRawSerializer<byte[]>.Default, replySerializer: NatsRawSerializer<byte[]>.Default, cancellationToken: limit.Token);
            }

            await _reader.ReleaseAsync(limit.Token);
        }
        catch (Exception fault) when (fault is NatsException or OperationCanceledException or RegisterConflictException or TimeoutException)
        {
            LogReleaseFailed(_queue.Name, fault.Message);
        }
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
        LogFailed(_queue.Name, message.Message.Sequence, message.Stream);
    }

    void IQueueEvents.Unclaimed(StreamId stream, int messages) => LogUnclaimed(_queue.Name, stream, messages);

    void IQueueObserver.Ignored(HeldMessage message) => Complete(message);

    void IQueueObserver.Poison(HeldMessage message, string reason)
    {
        LogPoison(_queue.Name, message.Message.Sequence, message.Message.Subject, reason);
        Complete(message);
    }

    void IQueueObserver.Redelivered()
    {
    }

    // All before it is done as well, or it would be held: the newest acknowledgement says it again.
    void IQueueObserver.AcknowledgeAgain(string ackSubject, long position)
    {
        if (position == _reader.Window.DoneThrough)
        {
            _lastAckSubject = ackSubject;
            _acknowledge.Writer.TryWrite(true);
        }
    }

    void IQueueObserver.Lost(LostMessages lost) => LogLost(_queue.Name, lost.From, lost.Through, lost.Reason);

    // The cache belongs to the agent's turns.
    Task IQueueObserver.AbandonAsync(long epoch) =>
        Task.Factory.StartNew(() => Cache.Abandon(epoch), CancellationToken.None, TaskCreationOptions.None, _agent ?? TaskScheduler.Default);

    private void Complete(HeldMessage message)
    {
        if (_reader.Window.Complete(message))
        {
            _acknowledge.Writer.TryWrite(true);
        }
    }

    private async Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _reader.Arrivals.WaitToReadAsync(cancellationToken).AsTask().WaitAsync(PollTime, _time, cancellationToken);
        }
        catch (Exception nothing) when (nothing is TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }

    // One acknowledgement speaks for all before it, so those that become due while one is being sent are sent as one.
    private async Task AcknowledgeAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await _acknowledge.Reader.ReadAsync(cancellationToken);
                _lastAckSubject = _reader.Window.TakeAcknowledgement() ?? _lastAckSubject;
                await SendAsync(_lastAckSubject, Ack, cancellationToken);
            }
            catch (Exception fault) when (fault is NatsException or OperationCanceledException)
            {
                // The next one speaks for it, or the server delivers again and is told again.
            }
        }
    }

    private async Task KeepInProgressAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var third = _options.AckWait / 3;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(third, _time, cancellationToken);
                var now = _time.GetTimestamp();
                var thirdAgo = now - (long)(third.TotalSeconds * _time.TimestampFrequency);
                foreach (var subject in _reader.Window.TakeOverdue(thirdAgo, now))
                {
                    await SendAsync(subject, InProgress, cancellationToken);
                }
            }
            catch (Exception fault) when (fault is NatsException or OperationCanceledException)
            {
                // Then the server delivers again, which the reader drops.
            }
        }
    }

    private async ValueTask SendAsync(string? subject, byte[] word, CancellationToken cancellationToken)
    {
        if (subject is not null)
        {
            await _queue.Connection.PublishAsync(subject, word, serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Queue {Queue}: message {Sequence} on {Subject} is poison: {Reason}")]
    private partial void LogPoison(string queue, ulong sequence, string subject, string reason);

    [LoggerMessage(LogLevel.Error, "Queue {Queue}: message {Sequence} failed its consumer on {Stream} until the time for it was over")]
    private partial void LogFailed(string queue, ulong sequence, StreamId stream);

    [LoggerMessage(LogLevel.Warning, "Queue {Queue}: nobody subscribes to {Stream}; {Messages} messages were let go")]
    private partial void LogUnclaimed(string queue, StreamId stream, int messages);

    [LoggerMessage(LogLevel.Error, "Queue {Queue}: data lost, messages {From} to {Through}: {Reason}")]
    private partial void LogLost(string queue, ulong from, ulong? through, string reason);

    [LoggerMessage(LogLevel.Warning, "Queue {Queue} was not handed over in order; its next owner waits for it or repeats: {Reason}")]
    private partial void LogReleaseFailed(string queue, string reason);
}
