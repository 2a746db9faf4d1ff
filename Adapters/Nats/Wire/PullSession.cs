using System.Globalization;
using System.Text;
using System.Threading.Channels;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Nats;

/// <summary>The long polling of one consumer: asks for messages before they run out, and notices when nobody answers.</summary>
/// <remarks>
/// Spoken in JetStream's own protocol rather than with the client's <c>ConsumeAsync</c>, which bounds messages or bytes but not
/// both, and drops what its channel cannot hold. Here no more is asked for than there is room, so nothing is dropped.
/// </remarks>
internal sealed class PullSession : IAsyncDisposable
{
    internal static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Expiry = TimeSpan.FromSeconds(30);
    private const int PullMessagesMax = 1024;
    private const int PullsMax = 2;
    private const long NoLimit = long.MaxValue;
    private const int NoContent = 100;
    private const int Expired = 408;
    private const int Refused = 409;

    private readonly INatsConnection _connection;
    private readonly string _requestSubject;
    private readonly INatsSub<byte[]> _inbox;
    private readonly PullLimits _limits;
    private readonly int _pullMax;
    private readonly TimeProvider _time;
    private readonly Queue<Pull> _pulls = [];
    private bool _tooLarge;

    private PullSession(
        INatsConnection connection,
        string requestSubject,
        INatsSub<byte[]> inbox,
        PullLimits limits,
        TimeProvider time)
    {
        _connection = connection;
        _requestSubject = requestSubject;
        _inbox = inbox;
        _limits = limits;
        _pullMax = Math.Min(PullMessagesMax, limits.MessagesMax);
        _time = time;
    }

    public static async Task<PullSession> OpenAsync(
        NatsJSContext jetStream,
        string consumerSubject,
        PullLimits limits,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        // Not the connection's own inbox: its client takes short subjects of what arrives there for replies, and breaks.
        var inboxSubject = jetStream.NewBaseInbox();
        var connection = jetStream.Connection;
        var capacity = new NatsSubChannelOpts
        {
            Capacity = limits.MessagesMax + PullMessagesMax,
            FullMode = BoundedChannelFullMode.DropNewest,
        };
        var inbox = await connection.SubscribeCoreAsync<byte[]>(
            inboxSubject,
            serializer: NatsRawSerializer<byte[]>.Default,
            opts: new NatsSubOpts { ChannelOpts = capacity },
            cancellationToken: cancellationToken);
        return new PullSession(connection, $"{jetStream.Opts.Prefix}.CONSUMER.MSG.NEXT.{consumerSubject}", inbox, limits, time);
    }

    /// <summary>The next messages that are there, at least one; waits for them.</summary>
    /// <exception cref="ConsumerLostException">The consumer is gone or nobody answers for it.</exception>
    public async ValueTask ReadAsync(List<NatsMsg<byte[]>> into, CancellationToken cancellationToken)
    {
        while (into.Count == 0)
        {
            await AskAsync(cancellationToken);
            await WaitAsync(cancellationToken);
            while (into.Count < PullMessagesMax && _inbox.Msgs.TryRead(out var message))
            {
                if (message.Subject == _inbox.Subject)
                {
                    Heed(message.Headers);
                    continue;
                }

                Count(message.Size);
                into.Add(message);
            }
        }
    }

    public ValueTask DisposeAsync() => _inbox.DisposeAsync();

    // A new request goes out when half of the last one has come, so that the server never waits for us while there is room.
    private async ValueTask AskAsync(CancellationToken cancellationToken)
    {
        if (_pulls.Count >= PullsMax || (_pulls.TryPeek(out var current) && current.Messages > _pullMax / 2))
        {
            return;
        }

        var (messages, held) = _limits.Held();
        var room = _limits.MessagesMax - messages - _pulls.Sum(pull => pull.Messages);
        var bytes = Math.Min(
            _limits.BytesMax / PullsMax, _limits.BytesMax - held - _pulls.Sum(pull => Math.Max(0, pull.Bytes)));
        if (_tooLarge)
        {
            // One message alone is larger than the bound: it is taken, without one, when nothing else is held.
            room = messages == 0 ? 1 : 0;
            bytes = NoLimit;
        }

        if (room > 0 && (bytes == NoLimit || bytes >= _limits.BytesMax / (2 * PullsMax)))
        {
            _tooLarge = false;
            await SendAsync(new Pull(Math.Min(_pullMax, room), bytes), cancellationToken);
        }
    }

    private async ValueTask SendAsync(Pull pull, CancellationToken cancellationToken)
    {
        _pulls.Enqueue(pull);
        var limit = pull.Bytes == NoLimit ? "" : string.Create(CultureInfo.InvariantCulture, $"\"max_bytes\":{pull.Bytes},");
        var request = string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"batch\":{pull.Messages},{limit}\"expires\":{Nanoseconds(Expiry)},\"idle_heartbeat\":{Nanoseconds(Heartbeat)}}}");
        await _connection.PublishAsync(
            _requestSubject,
            Encoding.UTF8.GetBytes(request),
            replyTo: _inbox.Subject,
            serializer: NatsRawSerializer<byte[]>.Default,
            cancellationToken: cancellationToken);
    }

    private async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (_inbox.Msgs.TryPeek(out _))
        {
            return;
        }

        // With requests outstanding the server is heard of every heartbeat. Without, we wait for room, not for the server.
        var silence = _pulls.Count > 0 ? Heartbeat * 2.5 : TimeSpan.FromMilliseconds(50);
        try
        {
            if (!await _inbox.Msgs.WaitToReadAsync(cancellationToken).AsTask().WaitAsync(silence, _time, cancellationToken))
            {
                throw new ConsumerLostException("the subscription ended");
            }
        }
        catch (TimeoutException) when (_pulls.Count > 0)
        {
            throw new ConsumerLostException("no heartbeat came");
        }
        catch (TimeoutException)
        {
            // There may be room now.
        }
    }

    private void Heed(NatsHeaders? status)
    {
        switch (status?.Code)
        {
            case NoContent:
                return;

            case Expired:
                _pulls.TryDequeue(out _);
                return;

            case Refused when status.MessageText.Contains("MaxBytes", StringComparison.OrdinalIgnoreCase):
                // Its bytes are used up. If nothing came of it at all, one message is larger than it.
                _tooLarge = _pulls.TryDequeue(out var ended) && !ended.Delivered;
                return;

            case Refused when status.MessageText.Contains("Exceeded", StringComparison.OrdinalIgnoreCase):
                _pulls.TryDequeue(out _);
                return;

            case Refused when status.MessageText.Contains("Batch Completed", StringComparison.OrdinalIgnoreCase):
                // Said since 2.10, after the last message of a request whose bytes are not used up: it was counted.
                return;

            default:
                throw new ConsumerLostException($"the server says {status?.Code} {status?.MessageText}");
        }
    }

    // The server serves requests in the order in which it got them.
    private void Count(int bytes)
    {
        if (_pulls.TryPeek(out var current))
        {
            current.Delivered = true;
            current.Bytes -= current.Bytes == NoLimit ? 0 : bytes;
            if (--current.Messages == 0)
            {
                _pulls.Dequeue();
            }
        }
    }

    private static long Nanoseconds(TimeSpan span) => (long)span.TotalMilliseconds * 1_000_000;

    /// <summary>What is left of one request.</summary>
    private sealed class Pull(long messages, long bytes)
    {
        public long Messages { get; set; } = messages;

        public long Bytes { get; set; } = bytes;

        public bool Delivered { get; set; }
    }
}

/// <summary>The consumer cannot be read any more; the queue has to be opened again.</summary>
internal sealed class ConsumerLostException(string message) : Exception(message);

/// <summary>How much may have been asked for and have come without being done with.</summary>
/// <param name="MessagesMax">How many messages.</param>
/// <param name="BytesMax">How many bytes of them; one message alone may be larger.</param>
/// <param name="Held">What came and is not done with.</param>
internal sealed record PullLimits(int MessagesMax, int BytesMax, Func<(int Messages, long Bytes)> Held);
