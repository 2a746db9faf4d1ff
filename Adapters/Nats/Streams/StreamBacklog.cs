using Orleans.Providers.Streams.Common;
using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>The messages of one Orleans stream that not all of its consumers have had, in order.</summary>
/// <remarks>Only used within the turns of the queue's pulling agent.</remarks>
internal sealed class StreamBacklog(StreamId streamId, QueueCache cache)
{
    private readonly List<HeldMessage> _messages = [];
    private readonly List<BacklogCursor> _cursors = [];
    private long _firstIndex;
    private bool _hadConsumer;
    private ReplayCursor? _interrupted;

    public StreamId StreamId => streamId;

    public QueueCache Cache => cache;

    public bool IsIdle => _messages.Count == 0 && _cursors.Count == 0;

    /// <summary>One past the last message. Indexes count from the backlog's beginning and stay valid while it shrinks.</summary>
    public long End => _firstIndex + _messages.Count;

    public HeldMessage this[long index] => _messages[(int)(index - _firstIndex)];

    public IReadOnlyList<HeldMessage> Range(long from, int count) => _messages.GetRange((int)(from - _firstIndex), count);

    public void Append(List<HeldMessage> messages) => _messages.AddRange(messages);

    /// <summary>
    /// A cursor at the first message that is not before the token, also when the queue does not hold that message any more.
    /// </summary>
    public IQueueCacheCursor Open(StreamSequenceToken? token)
    {
        if (_interrupted is { } interrupted)
        {
            _interrupted = null;
            return interrupted;
        }

        return token is not (null or AgentToken)
            && (_messages.Count == 0 || token.SequenceNumber < _messages[0].Position)
            && cache.OpenHistory(streamId, token) is { } history
            ? new ReplayCursor(this, OpenLive(token: null), history)
            : OpenLive(token);
    }

    /// <summary>
    /// The agent closes a cursor that threw, and opens another at once: it gets the same one, which goes on where it was.
    /// </summary>
    public void Interrupt(ReplayCursor cursor) => _interrupted = cursor;

    private BacklogCursor OpenLive(StreamSequenceToken? token)
    {
        var cursor = new BacklogCursor(this, IndexOf(token), token);
        _cursors.Add(cursor);
        _hadConsumer |= _cursors.Count > 1;
        return cursor;
    }

    public void Close(BacklogCursor cursor)
    {
        if (!_cursors.Remove(cursor) || _cursors.Count > 0)
        {
            return;
        }

        // The agent pins a stream with one cursor while it looks up who subscribes. If that was the only one, nobody does.
        // A cursor closed because the agent stops says nothing: the events go to the next owner.
        if (!_hadConsumer && !cache.IsStopping)
        {
            cache.ReportUnclaimed(streamId, _messages.Count);
            Release(_messages.Count);
        }
    }

    /// <summary>Lets go of what every cursor has left behind.</summary>
    public void Trim()
    {
        if (_cursors.Count > 0 && !cache.IsStopping)
        {
            Release((int)(_cursors.Min(cursor => cursor.Next) - _firstIndex));
        }
    }

    /// <summary>Lets go of what no agent will ever look at: messages of a stream that the agent knows to have no consumer.</summary>
    /// <remarks>Called after the agent's turn with the messages: it has opened a cursor by then if it ever will.</remarks>
    public void DropUnclaimed()
    {
        if (_cursors.Count == 0 && _messages.Count > 0 && !_hadConsumer && !cache.IsStopping)
        {
            cache.ReportUnclaimed(streamId, _messages.Count);
            Release(_messages.Count);
        }
    }

    /// <summary>Forgets everything without acknowledging it: another silo has the queue now.</summary>
    public void Abandon()
    {
        _firstIndex = End;
        _messages.Clear();
        foreach (var cursor in _cursors)
        {
            cursor.MoveTo(End);
        }
    }

    private void Release(int count)
    {
        for (var at = 0; at < count; at++)
        {
            cache.Complete(_messages[at]);
        }

        _messages.RemoveRange(0, count);
        _firstIndex += count;
    }

    // Without a token, or with nobody else reading, it begins with the oldest: the agent asks so when it has lost its place, and a
    // message twice is dropped by its consumer, whereas one that is passed over is acknowledged unseen.
    private long IndexOf(StreamSequenceToken? token)
    {
        if (_cursors.Count == 0 || token is null)
        {
            return _firstIndex;
        }

        var at = 0;
        while (at < _messages.Count && LastTokenOf(_messages[at]).CompareTo(token) < 0)
        {
            at++;
        }

        return _firstIndex + at;
    }

    private static EventSequenceTokenV2 LastTokenOf(HeldMessage message) =>
        new(message.Position, Math.Max(0, message.Events.Length - 1));
}
