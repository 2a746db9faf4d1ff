using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Nats;

/// <summary>Reads a source from one place on: its messages in order, and what is missing between them.</summary>
internal sealed class ReplicaReader : IAsyncDisposable
{
    private readonly ReplicaSource _source;
    private readonly ReplicaSettings _settings;
    private readonly INatsJSConsumer _consumer;
    private readonly PullSession _pull;
    private SourceState _state;
    private ReplicaCursor _read;
    private ReplicaCursor _examined;
    private ulong _delivered;

    private ReplicaReader(
        ReplicaSource source, ReplicaSettings settings, INatsJSConsumer consumer, PullSession pull, ReplicaCursor after, SourceState state)
    {
        (_source, _settings, _consumer, _pull, _state) = (source, settings, consumer, pull, state);
        (_read, _examined) = (after, after);
    }

    // With a filter, and where a subject keeps its last messages only.
    private bool JumpsAreNormal => _settings.Subjects.Count > 0 || _state.Limits.PerSubject;

    /// <summary>What the source held when it was last asked.</summary>
    public SourceState State => _state;

    /// <summary>Messages that the server had still to give out when it was last asked.</summary>
    public long Pending { get; private set; }

    /// <summary>How far the source is known to hold nothing more that is to be copied: as far as was read, or further.</summary>
    public ReplicaCursor Examined => _examined.Sequence > _read.Sequence ? _examined : _read;

    /// <param name="source">The source.</param>
    /// <param name="settings">The link.</param>
    /// <param name="after">Where it begins.</param>
    /// <param name="state">What the source held then.</param>
    /// <param name="limits">How much may be on its way, and with whoever reads.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<ReplicaReader> OpenAsync(
        ReplicaSource source,
        ReplicaSettings settings,
        ReplicaCursor after,
        SourceState state,
        PullLimits limits,
        CancellationToken cancellationToken)
    {
        var consumer = await source.OpenAsync(after.Sequence + 1, cancellationToken);
        var pull = await source.PullAsync(consumer, limits, cancellationToken);
        return new ReplicaReader(source, settings, consumer, pull, after, state) { Pending = (long)consumer.Info.NumPending };
    }

    /// <summary>The next messages, at least one; waits for them. Changes nothing here: <see cref="Take"/> does.</summary>
    /// <exception cref="ConsumerLostException">The reader is gone: another one has to be opened.</exception>
    public async Task<SourceBatch> ReadAsync(CancellationToken cancellationToken)
    {
        var messages = new List<NatsMsg<byte[]>>();
        await _pull.ReadAsync(messages, cancellationToken);

        // Where sequences jump by nature, what the source holds after the messages came shows whether it can have dropped some in between.
        return new SourceBatch(messages, JumpsAreNormal ? await _source.GetStateAsync(cancellationToken) : null);
    }

    /// <summary>What goes to the target for what was read: its messages, each after what is missing before it.</summary>
    /// <exception cref="ConsumerLostException">Something was lost on its way.</exception>
    public IEnumerable<Replica> Take(SourceBatch batch, long messageBytesMax)
    {
        _state = batch.State ?? _state;
        return batch.Messages.SelectMany(message => Take(message, messageBytesMax));
    }

    private IEnumerable<Replica> Take(NatsMsg<byte[]> message, long messageBytesMax)
    {
        if (!AckSubject.TryParse(message.ReplyTo, out var delivery) || delivery.Delivery != _delivered + 1)
        {
            throw new ConsumerLostException($"a message of '{_settings.Source}' was lost on its way");
        }

        _delivered = delivery.Delivery;
        Pending = (long)delivery.Pending;
        var cursor = new ReplicaCursor(_read.Incarnation, delivery.Sequence, delivery.StoredAt);
        if (MissingBefore(cursor) is { } missing)
        {
            yield return Replica.Record(_settings, missing);
        }

        var copy = Replica.Copy(_settings, cursor, message.Subject, message.Headers, message.Data ?? []);
        if (copy.Size > messageBytesMax)
        {
            var before = _read.Sequence == cursor.Sequence - 1 ? _read : new ReplicaCursor(cursor.Incarnation, cursor.Sequence - 1);
            copy = Replica.Record(
                _settings, ReplicaPlan.Dropped(_settings, before, cursor.Sequence + 1, nextAt: null, ReplicaGapReason.TooLarge));
        }

        _read = cursor;
        yield return copy;
    }

    /// <summary>Asks the source how it stands. Changes nothing here: <see cref="Heed"/> does.</summary>
    public async Task<SourceLook> LookAsync(CancellationToken cancellationToken)
    {
        var state = await _source.GetStateAsync(cancellationToken);
        await _consumer.RefreshAsync(cancellationToken);
        return new SourceLook(state, (long)_consumer.Info.NumPending, _consumer.Info.Delivered.ConsumerSeq);
    }

    /// <summary>Takes note of how the source stood.</summary>
    /// <param name="look">That.</param>
    /// <param name="isIdle">Whether all that was read is in the target.</param>
    /// <returns>What was dropped at the end, when nothing follows that would show it; null when nothing was.</returns>
    /// <exception cref="ConsumerLostException">It is another stream, or has lost its end.</exception>
    public Replica? Heed(SourceLook look, bool isIdle)
    {
        if (!_read.IsOf(look.State.Created) || look.State.Last < _read.Sequence)
        {
            throw new ConsumerLostException($"'{_settings.Source}' is another stream than it was, or lost its end");
        }

        (_state, Pending) = (look.State, look.Pending);
        if (!isIdle || look.Pending > 0 || look.Delivered != _delivered)
        {
            return null;
        }

        if (look.State.First > Examined.Sequence + 1)
        {
            var missing = ReplicaPlan.Dropped(_settings, Examined, look.State.First, nextAt: null, ReplicaGapReason.Dropped);
            _read = missing.After;
            return Replica.Record(_settings, missing);
        }

        // The state was taken first: of what it ends with, the server has given out all that is to be copied, and we had it.
        _examined = new ReplicaCursor(_read.Incarnation, look.State.Last);
        return null;
    }

    public ValueTask DisposeAsync() => _pull.DisposeAsync();

    private ReplicaPlan? MissingBefore(ReplicaCursor next)
    {
        var after = Examined;
        var first = JumpsAreNormal ? Math.Min(_state.First, next.Sequence) : next.Sequence;
        return first > after.Sequence + 1
            ? ReplicaPlan.Dropped(_settings, after, first, next.StoredAt, ReplicaGapReason.Dropped)
            : null;
    }
}

/// <param name="Messages">In order.</param>
/// <param name="State">What the source held after they came; null where nobody needs to know.</param>
internal sealed record SourceBatch(IReadOnlyList<NatsMsg<byte[]>> Messages, SourceState? State);

/// <param name="State">What it held.</param>
/// <param name="Pending">After that, what the server had still to give out.</param>
/// <param name="Delivered">And how many messages it had given out.</param>
internal sealed record SourceLook(SourceState State, long Pending, ulong Delivered);
