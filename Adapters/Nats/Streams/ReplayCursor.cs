using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>
/// A consumer that asked for events from before what its queue holds: it gets those first, and then goes on in the backlog.
/// </summary>
/// <remarks>
/// The backlog waits meanwhile, and the whole queue once its window is full. A message that has failed as long as is tried becomes a dead
/// letter here too.
/// </remarks>
internal sealed class ReplayCursor(StreamBacklog backlog, BacklogCursor live, EventHistory history) : IQueueCacheCursor
{
    private readonly Queue<HeldMessage> _suspects = [];
    private readonly List<HeldMessage> _given = [];
    private JetStreamBatch? _current;
    private long _hadThrough;
    private bool _failed;
    private bool _isLive;
    private bool _isInterrupted;

    public IBatchContainer GetCurrent(out Exception exception)
    {
        exception = null!;
        return _isLive ? live.GetCurrent(out exception) : _current!;
    }

    public bool MoveNext()
    {
        _isInterrupted = false;
        if (_isLive)
        {
            return live.MoveNext();
        }

        Settle();
        if (history.TakeLost() is { } lost)
        {
            _isInterrupted = true;
            backlog.Interrupt(this);
            throw lost;
        }

        // Asked before anything is taken: what is read between the two questions is taken the next time.
        var isOver = history.IsOver;
        if (TakeNext())
        {
            _current = JetStreamBatch.Of(backlog.StreamId, _given, isReplay: true);
            return true;
        }

        if (!isOver && !HasReachedTheBacklog())
        {
            return false;
        }

        _isLive = true;
        history.Dispose();
        live.PassOver(_hadThrough);
        return live.MoveNext();
    }

    public void Refresh(StreamSequenceToken token)
    {
    }

    public void RecordDeliveryFailure()
    {
        _failed = true;
        _current?.Settle(failed: true);
        if (_isLive)
        {
            live.RecordDeliveryFailure();
        }
    }

    public void Dispose()
    {
        if (_isInterrupted)
        {
            return;
        }

        _current?.Settle(_failed);
        history.Dispose();
        live.Dispose();
    }

    private bool TakeNext()
    {
        if (_suspects.TryDequeue(out var suspect))
        {
            _given.Add(suspect);
            return true;
        }

        var events = 0;
        while (history.TryPeek(out var message) && !(live.NextPosition <= message.Position))
        {
            events += message.Events.Length;
            if (_given.Count > 0 && (message.RequestContext is not null || events > backlog.Cache.BatchEventsMax))
            {
                break;
            }

            history.Take();
            _given.Add(message);
            if (message.RequestContext is not null)
            {
                break;
            }
        }

        return _given.Count > 0;
    }

    private bool HasReachedTheBacklog() => history.TryPeek(out var message) && live.NextPosition <= message.Position;

    private void Settle()
    {
        _current?.Settle(_failed);
        _current = null;
        if (_failed && _given.Count > 1)
        {
            _given.ForEach(_suspects.Enqueue);
        }
        else if (_failed)
        {
            _given.ForEach(backlog.Cache.Bury);
        }

        if (_given.Count > 0)
        {
            _hadThrough = Math.Max(_hadThrough, _given[^1].Position);
        }

        _given.Clear();
        _failed = false;
    }
}
