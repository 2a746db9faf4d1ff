namespace ControlPlane.Adapters.Nats;

/// <summary>The messages of a queue that are delivered and not acknowledged, in the order in which they came.</summary>
/// <remarks>
/// The consumer acknowledges prefixes (<c>AckPolicy.All</c>): the acknowledgement that may be sent is that of the newest
/// message before which everything is done. Shared between the queue's reader, its pulling agent and its timers.
/// </remarks>
internal sealed class AckWindow
{
    private readonly Lock _lock = new();
    private readonly Queue<HeldMessage> _held = [];
    private long _bytes;
    private string? _acknowledgement;

    /// <summary>The position up to which everything is done.</summary>
    public long DoneThrough { get; private set; }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _held.Count;
            }
        }
    }

    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Begins after a position, with nothing held.</summary>
    public void Reset(long doneThrough)
    {
        lock (_lock)
        {
            _held.Clear();
            _bytes = 0;
            _acknowledgement = null;
            DoneThrough = doneThrough;
        }
    }

    /// <summary>The consumer is another: what was to be acknowledged to the one before is not, since this one begins after it.</summary>
    public void Rebegin()
    {
        lock (_lock)
        {
            _acknowledgement = null;
        }
    }

    public void Hold(HeldMessage message)
    {
        lock (_lock)
        {
            _held.Enqueue(message);
            _bytes += message.Size;
        }
    }

    /// <summary>Says that nothing more is to be done with a message. True when there is something new to acknowledge.</summary>
    public bool Complete(HeldMessage message)
    {
        lock (_lock)
        {
            message.IsDone = true;
            var advanced = false;
            while (_held.TryPeek(out var oldest) && oldest.IsDone)
            {
                _held.Dequeue();
                _bytes -= oldest.Size;
                DoneThrough = oldest.Position;
                _acknowledgement = oldest.AckSubject;
                advanced = true;
            }

            message.Done?.TrySetResult();
            return advanced;
        }
    }

    /// <summary>The subject by which all that is done is acknowledged; null when nothing is since the beginning.</summary>
    public string? Acknowledgement
    {
        get
        {
            lock (_lock)
            {
                return _acknowledgement;
            }
        }
    }

    /// <summary>
    /// Takes note that a message came again: where it is acknowledged now. True when it is the newest that is done, so that its
    /// acknowledgement was lost and is to be sent again; that speaks for all before it.
    /// </summary>
    public bool Rebind(long position, string ackSubject)
    {
        lock (_lock)
        {
            if (position == DoneThrough)
            {
                _acknowledgement = ackSubject;
                return true;
            }

            if (_held.FirstOrDefault(message => message.Position == position) is { } held)
            {
                held.AckSubject = ackSubject;
            }

            return false;
        }
    }

    /// <summary>Where to say that messages are in progress: those of which nothing was heard since the time stamp given.</summary>
    public IReadOnlyList<string> TakeOverdue(long heardBefore, long now)
    {
        lock (_lock)
        {
            var overdue = new List<string>();
            foreach (var message in _held)
            {
                if (message.HeardAt > heardBefore)
                {
                    continue;
                }

                message.HeardAt = now;
                overdue.Add(message.AckSubject);
            }

            return overdue;
        }
    }

    /// <summary>When the oldest held message was stored; null when none is held.</summary>
    public DateTimeOffset? OldestStoredAt()
    {
        lock (_lock)
        {
            return _held.TryPeek(out var oldest) ? oldest.Message.StoredAt : null;
        }
    }
}
