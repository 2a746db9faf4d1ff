using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>A JetStream stream of our own: a log of records, or a register of the last message of each subject. Thread-safe.</summary>
/// <remarks>
/// Made when it is first needed and missing; one that exists is never changed. It is no bucket of NATS' key-value store: to each of those
/// whoever may use streams may write.
/// </remarks>
public sealed class JetStreamStore(NatsJSContext jetStream, StreamConfig stream)
{
    private const int NameInUse = 10058;
    private const int WrongLastSequence = 10071;
    private const int NotFound = 404;

    /// <summary>The header that a message's id is in: the server stores an id once within the stream's duplicate window.</summary>
    public const string MessageId = "Nats-Msg-Id";

    private volatile bool _ensured;

    /// <summary>The stream's name.</summary>
    public string Name => stream.Name!;

    /// <summary>Where it is.</summary>
    public NatsJSContext JetStream => jetStream;

    /// <summary>Sees that it is there.</summary>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        if (_ensured)
        {
            return;
        }

        try
        {
            await jetStream.CreateStreamAsync(stream, cancellationToken);
        }
        catch (NatsJSApiException exists) when (exists.Error.ErrCode == NameInUse)
        {
            // It is there, with the settings of whoever made it.
        }

        _ensured = true;
    }

    /// <summary>How it stands; it is made where it is missing.</summary>
    public async Task<StreamInfo> GetStateAsync(CancellationToken cancellationToken)
    {
        try
        {
            var there = await jetStream.GetStreamAsync(Name, cancellationToken: cancellationToken);
            _ensured = true;
            return there.Info;
        }
        catch (NatsJSApiException missing) when (missing.Error.Code == NotFound)
        {
            _ensured = false;
            await EnsureAsync(cancellationToken);
            return (await jetStream.GetStreamAsync(Name, cancellationToken: cancellationToken)).Info;
        }
    }

    /// <summary>Stores a message and returns its sequence: that of the first one with its id, where the server knows the id.</summary>
    /// <param name="subject">One of the stream's.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="id">Its message id; null for none.</param>
    /// <param name="expected">The sequence of the last message on the subject, 0 for none; null whatever it is.</param>
    /// <param name="headers">Its other headers.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="JetStreamConflictException">
    /// The last message on the subject is another, and not one with this id. Nothing was stored.
    /// </exception>
    /// <exception cref="NatsException">The server has not stored it, or nobody knows.</exception>
    public async Task<ulong> StoreAsync(
        string subject,
        ReadOnlyMemory<byte> content,
        string? id = null,
        ulong? expected = null,
        NatsHeaders? headers = null,
        CancellationToken cancellationToken = default)
    {
        await EnsureAsync(cancellationToken);
        try
        {
            return await StoreOnceAsync(subject, content, id, expected, headers, cancellationToken);
        }
        catch (NatsJSPublishNoResponseException)
        {
            // Nobody listens there: somebody has deleted the stream, and nothing was stored.
            _ensured = false;
            await EnsureAsync(cancellationToken);
            return await StoreOnceAsync(subject, content, id, expected, headers, cancellationToken);
        }
    }

    /// <summary>Opens a reader of it, as <see cref="JetStreamReaders.OpenReaderAsync"/> does.</summary>
    public async Task<INatsJSConsumer> OpenAsync(Action<ConsumerConfig> configure, CancellationToken cancellationToken)
    {
        await EnsureAsync(cancellationToken);
        return await jetStream.OpenReaderAsync(Name, configure, cancellationToken);
    }

    private async Task<ulong> StoreOnceAsync(
        string subject,
        ReadOnlyMemory<byte> content,
        string? id,
        ulong? expected,
        NatsHeaders? headers,
        CancellationToken cancellationToken)
    {
        // The headers are copied: the client adds to those that it is given.
        var ack = await jetStream.PublishAsync(
            subject,
            content,
            NatsRawSerializer<ReadOnlyMemory<byte>>.Default,
            new NatsJSPubOpts { MsgId = id, ExpectedLastSubjectSequence = expected },
            headers is null ? null : new NatsHeaders(headers.ToDictionary(header => header.Key, header => header.Value)),
            cancellationToken);
        if (ack.Error is { ErrCode: WrongLastSequence } conflict)
        {
            // nats-server 2.15 looks at the sequence first and 2.10 at the id, which none knows for longer than two minutes.
            var last = id is null ? null : await jetStream.FindLastAsync(Name, subject, cancellationToken);
            return last is not null && last.ReadHeaders().TryGetValue(MessageId, out var known) && known == id
                ? last.Seq
                : throw new JetStreamConflictException($"the last message on {subject} is not {expected}: {conflict.Description}");
        }

        ack.EnsureStored();
        return ack.Seq;
    }
}

/// <summary>Somebody else has written since the sequence was read that a message was to follow.</summary>
public sealed class JetStreamConflictException(string message) : Exception(message);
