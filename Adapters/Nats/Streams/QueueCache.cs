using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>What one queue has read and not all consumers have had, by Orleans stream.</summary>
/// <remarks>
/// Each stream has a list of its own, so that a consumer's cost does not grow with the number of other streams. It is bounded
/// by the queue's <see cref="AckWindow"/>: the server delivers no more than that holds, so nothing here says "full".
/// </remarks>
internal sealed class QueueCache(JetStreamStreamOptions options, IQueueEvents events) : IQueueCache
{
    private readonly Dictionary<StreamId, StreamBacklog> _backlogs = [];
    private readonly HashSet<StreamId> _told = [];
    private JetStreamDataLostException? _lost;
    private long _epoch;

    public int BatchEventsMax => options.BatchEventsMax;

    /// <summary>The agent's token: once it is cancelled, a cursor that closes does not mean that its events were delivered.</summary>
    public CancellationToken AgentStopping { get; set; }

    public bool IsStopping => AgentStopping.IsCancellationRequested;

    public int GetMaxAddCount() => options.WindowMessagesMax;

    public bool IsUnderPressure() => false;

    public void AddToCache(IList<IBatchContainer> messages)
    {
        foreach (var arrival in messages.Cast<HeldBatch>())
        {
            // The agent may have been on its way here with them while they were abandoned.
            arrival.Messages.RemoveAll(message => message.Epoch < _epoch);
            BacklogOf(arrival.StreamId).Append(arrival.Messages);
        }
    }

    // Called by the agent before each read. Nothing is ever handed back: messages are acknowledged when their cursors have
    // passed them, not when the agent next comes by.
    public bool TryPurgeFromCache(out IList<IBatchContainer> purgedItems)
    {
        purgedItems = null!;
        foreach (var (stream, backlog) in _backlogs)
        {
            backlog.DropUnclaimed();
            if (backlog.IsIdle)
            {
                _backlogs.Remove(stream);
            }
        }

        return false;
    }

    public QueueCacheCursorResult<IQueueCacheCursor> TryGetCacheCursorAtPosition(
        StreamId streamId, StreamSubscriptionStartPosition startPosition) =>
        QueueCacheCursorResult<IQueueCacheCursor>.FromCursor(Open(streamId, token: null));

    [Obsolete("Use TryGetCacheCursor instead.")]
    public IQueueCacheCursor GetCacheCursor(StreamId streamId, StreamSequenceToken? token) => Open(streamId, token);

    public QueueCacheCursorResult<IQueueCacheCursor> TryGetCacheCursor(StreamId streamId, StreamSequenceToken? token) =>
        QueueCacheCursorResult<IQueueCacheCursor>.FromCursor(Open(streamId, token));

    /// <summary>Drops what was read before the epoch without acknowledging it: another silo had the queue in between.</summary>
    public void Abandon(long epoch)
    {
        _epoch = epoch;
        foreach (var backlog in _backlogs.Values)
        {
            backlog.Abandon();
        }
    }

    /// <summary>Has every stream's consumer told that events are gone, before its next batch.</summary>
    public void SignalLost(JetStreamDataLostException lost)
    {
        _lost = lost;
        _told.Clear();
    }

    /// <summary>What the stream's consumer is to be told before its next batch; null when it knows.</summary>
    public JetStreamDataLostException? TakeLost(StreamId streamId) => _lost is not null && _told.Add(streamId) ? _lost : null;

    public void Complete(HeldMessage message) => events.Completed(message);

    public void Bury(HeldMessage message) => events.Failed(message);

    public void ReportUnclaimed(StreamId stream, int messages)
    {
        if (messages > 0)
        {
            events.Unclaimed(stream, messages);
        }
    }

    /// <summary>What the server keeps of a stream after a token; null when the queue is somebody else's stream.</summary>
    public EventHistory? OpenHistory(StreamId streamId, StreamSequenceToken after) => events.OpenHistory(streamId, after);

    private IQueueCacheCursor Open(StreamId streamId, StreamSequenceToken? token) => BacklogOf(streamId).Open(token);

    private StreamBacklog BacklogOf(StreamId streamId)
    {
        if (!_backlogs.TryGetValue(streamId, out var backlog))
        {
            _backlogs[streamId] = backlog = new StreamBacklog(streamId, this);
        }

        return backlog;
    }
}

/// <summary>What happens to messages in a cache.</summary>
internal interface IQueueEvents
{
    /// <summary>All consumers have had it.</summary>
    void Completed(HeldMessage message);

    /// <summary>It failed alone as long, or as often, as is tried: it is to become a dead letter before it is acknowledged.</summary>
    void Failed(HeldMessage message);

    /// <summary>A consumer asks for what the queue does not hold any more; null when the queue is somebody else's stream.</summary>
    EventHistory? OpenHistory(StreamId streamId, StreamSequenceToken after);

    /// <summary>The stream has no consumer; its messages are let go.</summary>
    void Unclaimed(StreamId stream, int messages);
}
