namespace ControlPlane.Adapters.Nats;

/// <summary>What one replicator has done, over all its looks at the target.</summary>
internal sealed class ReplicaTotals
{
    private long _messages;
    private long _bytes;
    private int _heldMessages;
    private long _heldBytes;
    private long _gaps;

    /// <summary>The last that the target has.</summary>
    public ReplicaCursor Stored { get; private set; } = new("", 0);

    /// <summary>How many copies and gap records the target took.</summary>
    public long Count => _messages + _gaps;

    /// <summary>What was read and is not in the target; asked for by whoever reads.</summary>
    public (int Messages, long Bytes) Held => (Volatile.Read(ref _heldMessages), Volatile.Read(ref _heldBytes));

    public void Begin(ReplicaCursor reached)
    {
        Stored = reached;
        Hold(0, 0);
    }

    public void Hold(int messages, long bytes)
    {
        Volatile.Write(ref _heldMessages, messages);
        Volatile.Write(ref _heldBytes, bytes);
    }

    public void Add(Replica stored)
    {
        Stored = stored.Cursor;
        if (stored.IsGap)
        {
            _gaps++;
        }
        else
        {
            _messages++;
            _bytes += stored.Size;
        }
    }

    public ReplicaProgress ToProgress(ReplicaCursor source, long pending, DateTimeOffset? oldestPendingAt, double retentionLeft) =>
        new(source, pending, oldestPendingAt, retentionLeft, _messages, _bytes, _gaps);
}
