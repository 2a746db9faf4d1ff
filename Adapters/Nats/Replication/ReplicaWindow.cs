using System.Globalization;
using System.Text.Json;
using System.Threading.Channels;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>Appends to a target, many publishes at once, each only behind the one before it. Not thread-safe: its owner is.</summary>
/// <remarks>
/// One that is sent while others are under way demands the message id of the one before it as the target's last; one that is sent alone
/// demands the sequence with which the target is known to end. So a server stores a message if its predecessor is there and nothing else:
/// one that was lost on its way takes all later ones with it, and two windows at once can neither mix nor leave out. See
/// <c>docs/decisions/0038</c>.
/// </remarks>
internal sealed class ReplicaWindow : IAsyncDisposable
{
    private const string ExpectedSequence = "Nats-Expected-Last-Sequence";
    private const string ExpectedId = "Nats-Expected-Last-Msg-Id";
    private const int NoResponders = 503;
    private const int WrongSequence = 10071;
    private const int WrongId = 10070;
    private const int DuplicateInFlight = 10158;

    private readonly NatsJSContext _jetStream;
    private readonly ReplicaSettings _settings;
    private readonly INatsSub<byte[]> _answers;
    private readonly TimeProvider _time;
    private readonly Queue<Sent> _sent = [];
    private string _lastId = "";
    private ulong _number;
    private long _connectedAt;

    private ReplicaWindow(
        NatsJSContext jetStream, ReplicaSettings settings, INatsSub<byte[]> answers, ulong follows, TimeProvider time)
    {
        (_jetStream, _settings, _answers, _time) = (jetStream, settings, answers, time);
        (TargetSequence, _connectedAt) = (follows, time.GetTimestamp());
    }

    /// <summary>How many were sent and not acknowledged.</summary>
    public int Count => _sent.Count;

    /// <summary>Their bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>The target's sequence of the last that was acknowledged; where the window began before the first.</summary>
    public ulong TargetSequence { get; private set; }

    /// <summary>The oldest that was not acknowledged; null when there is none.</summary>
    public Replica? Oldest => _sent.TryPeek(out var oldest) ? oldest.Replica : null;

    /// <param name="jetStream">Where the target is.</param>
    /// <param name="settings">The link.</param>
    /// <param name="follows">The target's last sequence.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<ReplicaWindow> OpenAsync(
        NatsJSContext jetStream, ReplicaSettings settings, ulong follows, TimeProvider time, CancellationToken cancellationToken)
    {
        // One subscription for all answers; see PullSession for why it is not the connection's own.
        var capacity = new NatsSubChannelOpts
        {
            Capacity = 2 * (settings.WindowMessagesMax + 1),
            FullMode = BoundedChannelFullMode.DropNewest,
        };
        var answers = await jetStream.Connection.SubscribeCoreAsync<byte[]>(
            $"{jetStream.NewBaseInbox()}.*",
            serializer: NatsRawSerializer<byte[]>.Default,
            opts: new NatsSubOpts { ChannelOpts = capacity },
            cancellationToken: cancellationToken);
        return new ReplicaWindow(jetStream, settings, answers, follows, time);
    }

    public bool HasRoomFor(Replica next) =>
        _sent.Count == 0 || (_sent.Count < _settings.WindowMessagesMax && Bytes + next.Size <= _settings.WindowBytesMax);

    public async ValueTask SendAsync(Replica next, CancellationToken cancellationToken)
    {
        next.Headers[JetStreamStore.MessageId] = next.Id;
        if (_sent.Count > 0)
        {
            next.Headers[ExpectedId] = _lastId;
        }
        else
        {
            // Servers forget ids: by age when they restart. What lies at a sequence never changes.
            next.Headers[ExpectedSequence] = TargetSequence.ToString(CultureInfo.InvariantCulture);
        }

        _lastId = next.Id;
        _sent.Enqueue(new Sent(++_number, next, _time.GetTimestamp()));
        Bytes += next.Size;
        await _jetStream.Connection.PublishAsync(
            next.Subject,
            next.Content,
            next.Headers,
            replyTo: string.Create(CultureInfo.InvariantCulture, $"{_answers.Subject[..^1]}{_number}"),
            serializer: NatsRawSerializer<byte[]>.Default,
            cancellationToken: cancellationToken);
    }

    /// <summary>The next that the server says to have stored; null when it has not said so yet.</summary>
    /// <exception cref="ReplicaOutOfStepException">It did not store one, or not in this order.</exception>
    /// <exception cref="ReplicaFaultException">It will not store it.</exception>
    public Replica? TakeStored()
    {
        if (!_answers.Msgs.TryRead(out var answer))
        {
            return null;
        }

        if (answer.Headers?.Code == NoResponders)
        {
            throw new ReplicaOutOfStepException($"nobody takes messages on '{_settings.Target}'");
        }

        var ack = JsonSerializer.Deserialize<PubAckResponse>(answer.Data) ?? throw new ReplicaOutOfStepException("an answer is empty");
        switch (ack.Error)
        {
            case null:
                break;
            case { ErrCode: WrongSequence or WrongId or DuplicateInFlight } overtaken:
                throw new ReplicaOutOfStepException($"somebody else appends to '{_settings.Target}': {overtaken.Description}");
            case { } refused:
                throw new ReplicaFaultException($"the target '{_settings.Target}' does not take a message: {refused.Description}");
        }

        // One that was there is somebody else's, or was there before the target was emptied: only a look at it tells.
        var number = answer.Subject.AsSpan(_answers.Subject.Length - 1);
        if (ack.Duplicate || !_sent.TryPeek(out var oldest) || !ulong.TryParse(number, out var which) || which != oldest.Number)
        {
            throw new ReplicaOutOfStepException($"'{_settings.Target}' has a message already, or answers in another order");
        }

        TargetSequence = ack.Seq;
        Bytes -= oldest.Replica.Size;
        return _sent.Dequeue().Replica;
    }

    /// <summary>Waits until the server says something.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        if (!await _answers.Msgs.WaitToReadAsync(cancellationToken))
        {
            throw new ReplicaOutOfStepException("the subscription to answers ended");
        }
    }

    /// <exception cref="ReplicaOutOfStepException">The oldest was not answered for so long, or there was no connection.</exception>
    public void ThrowIfSilentFor(TimeSpan silence)
    {
        if (_jetStream.Connection.ConnectionState == NatsConnectionState.Open)
        {
            _connectedAt = _time.GetTimestamp();
        }

        if (_time.GetElapsedTime(_connectedAt) > silence || (_sent.TryPeek(out var oldest) && _time.GetElapsedTime(oldest.At) > silence))
        {
            throw new ReplicaOutOfStepException($"'{_settings.Target}' did not answer for {silence.TotalSeconds:0} s");
        }
    }

    public ValueTask DisposeAsync() => _answers.DisposeAsync();

    private readonly record struct Sent(ulong Number, Replica Replica, long At);
}
