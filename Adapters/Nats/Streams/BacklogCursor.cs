using Orleans.Providers.Streams.Common;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>How far one consumer is in a backlog. Cuts the batches that it is handed.</summary>
/// <remarks>Asking for the next batch says that the one before was delivered, unless its failure was recorded.</remarks>
internal sealed class BacklogCursor(StreamBacklog backlog, long next, StreamSequenceToken? startToken) : IQueueCacheCursor
{
    private readonly long? _startPosition = startToken?.SequenceNumber;
    private JetStreamBatch? _current;
    private int _given;
    private bool _failed;
    private bool _delivered;
    private long _hadThrough;

    /// <summary>The index of the first message that the consumer has not had.</summary>
    public long Next { get; private set; } = next;

    public IBatchContainer GetCurrent(out Exception exception)
    {
        exception = null!;
        return _current!;
    }

    public bool MoveNext()
    {
        Settle();

        // The agent hands an exception that comes from here to the consumer, and goes on with a new cursor. Not before the first
        // batch: until then the runtime has not connected the consumer, and would drop the word.
        if (_delivered && backlog.Cache.TakeLost(backlog.StreamId) is { } lost)
        {
            throw lost;
        }

        SkipHad();
        _given = CountNext();
        _current = _given == 0 ? null : JetStreamBatch.Of(backlog.StreamId, backlog.Range(Next, _given));
        return _given > 0;
    }

    public void Refresh(StreamSequenceToken token)
    {
    }

    public void RecordDeliveryFailure()
    {
        _failed = true;
        _current?.Settle(failed: true);
    }

    public void Dispose()
    {
        _current?.Settle(_failed);
        backlog.Close(this);
    }

    /// <summary>The position of the first message that the consumer has not had; null when it has had all that is here.</summary>
    public long? NextPosition => Next < backlog.End ? backlog[Next].Position : null;

    /// <summary>Says that the consumer has had all up to a position by another way, also what is still to come here.</summary>
    public void PassOver(long position) => _hadThrough = position;

    public void MoveTo(long index)
    {
        Next = index;
        _given = 0;
        _failed = false;
    }

    private void SkipHad()
    {
        while (NextPosition <= _hadThrough)
        {
            Next++;
        }

        backlog.Trim();
    }

    private void Settle()
    {
        _current?.Settle(_failed);
        if (_failed && _given > 1)
        {
            for (var at = 0; at < _given; at++)
            {
                backlog[Next + at].IsSuspect = true;
            }
        }
        else
        {
            if (_failed)
            {
                backlog.Cache.Bury(backlog[Next]);
            }

            _delivered |= _given > 0;
            Next += _given;
        }

        _given = 0;
        _failed = false;
    }

    // A batch ends before a suspect, which goes alone; around a message with a request context, which holds for it only; and
    // with the message of the token that the cursor was opened at, since the agent steps over exactly that one.
    private int CountNext()
    {
        var count = 0;
        var events = 0;
        for (var index = Next; index < backlog.End; index++)
        {
            var message = backlog[index];
            var alone = message.IsSuspect || message.RequestContext is not null;
            events += message.Events.Length;
            if (count > 0 && (alone || events > backlog.Cache.BatchEventsMax))
            {
                break;
            }

            count++;
            if (alone || message.Position == _startPosition)
            {
                break;
            }
        }

        return count;
    }
}
