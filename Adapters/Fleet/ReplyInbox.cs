using System.Collections.Concurrent;
using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Flow;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet;

/// <summary>One connection's subscription for replies, and who waits for which request.</summary>
/// <remarks>
/// The subject is the caller's, as Choria's brokers demand, with a part of our own behind it: two silos that are the same caller to the
/// nodes do not get each other's replies.
/// </remarks>
internal sealed partial class ReplyInbox : IAsyncDisposable
{
    private const int OwnPartBytes = 8;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>Answered requests that are listened to still; one costs about a kilobyte, and the oldest makes way.</summary>
    private const int AnsweredMax = 20_000;

    private readonly ConcurrentQueue<string> answered = new();
    private readonly ConcurrentDictionary<string, Action<ReceivedReply>> waiting = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Action<byte[]>> gathering = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Action<byte[]>>.AlternateLookup<ReadOnlySpan<char>> gatheringBySubject;
    private readonly CancellationTokenSource closing = new();
    private readonly NatsConnection connection;
    private readonly ILogger logger;
    private readonly string prefix;
    private readonly Task reading;
    private volatile Task<INatsSub<byte[]>> subscribing;
    private bool isSpent;
    private long outages;

    public ReplyInbox(NatsConnection connection, string collective, string caller, Loops loops, ILogger logger)
    {
        this.connection = connection;
        this.logger = logger;
        gatheringBySubject = gathering.GetAlternateLookup<ReadOnlySpan<char>>();
        prefix = $"{ChoriaSubjects.ReplyPrefix(collective, caller)}.{RandomNumberGenerator.GetHexString(OwnPartBytes * 2, lowercase: true)}";
        connection.ConnectionDisconnected += NoteOutage;
        subscribing = SubscribeAsync();
        reading = loops.RunAsync("replies of nodes", RetryDelay, isDueAtOnce: true, ReadAsync, closing.Token);
    }

    /// <summary>Replies that nobody waits for (any more): late ones, duplicates, and what is not a reply of Choria's.</summary>
    public long Unclaimed { get; private set; }

    /// <summary>How often the connection was lost; what is sent to it meanwhile is lost.</summary>
    public long Outages => Volatile.Read(ref outages);

    /// <summary>Whether nothing can have been missed since <see cref="Outages"/> was read.</summary>
    public bool HasHeardAllSince(long outagesThen) =>
        subscribing.IsCompletedSuccessfully && connection.ConnectionState == NatsConnectionState.Open && Outages == outagesThen;

    /// <param name="addressee">The node that is asked, or <see cref="ReplySubjects.Everybody"/>.</param>
    /// <param name="requestId">The request.</param>
    public string ReplySubject(string addressee, string requestId) => ReplySubjects.Of(prefix, addressee, requestId);

    public void Expect(string requestId, Action<ReceivedReply> receive) => waiting[requestId] = receive;

    public void Forget(string requestId)
    {
        waiting.TryRemove(requestId, out _);
        gathering.TryRemove(requestId, out _);
    }

    /// <summary>
    /// Hands over what comes to the subject of a request, as it came: reading replies of thousands would keep all others waiting here.
    /// </summary>
    public void Gather(string requestId, Action<byte[]> take) => gathering[requestId] = take;

    /// <summary>Goes on handing over what answers a request, for as long as there is room.</summary>
    public void ListenOn(string requestId)
    {
        answered.Enqueue(requestId);
        if (answered.Count > AnsweredMax && answered.TryDequeue(out var oldest))
        {
            Forget(oldest);
        }
    }

    /// <summary>Publishes a request when its reply can be heard, which at a first connection is not at once.</summary>
    public async ValueTask PublishAsync(string subject, byte[] payload, CancellationToken cancellationToken)
    {
        await subscribing.WaitAsync(cancellationToken);
        await connection.PublishAsync(subject, payload, cancellationToken: cancellationToken);
    }

    /// <summary>Waits until replies can be heard.</summary>
    public Task ReadyAsync(CancellationToken cancellationToken) => subscribing.WaitAsync(cancellationToken);

    /// <summary>Waits until the broker has all that was published.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken) => await connection.PingAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        connection.ConnectionDisconnected -= NoteOutage;
        await closing.CancelAsync();
        await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        closing.Dispose();
    }

    private ValueTask NoteOutage(object? sender, NatsEventArgs outage)
    {
        Interlocked.Increment(ref outages);
        return default;
    }

    private Task<INatsSub<byte[]>> SubscribeAsync() =>
        connection.SubscribeCoreAsync<byte[]>($"{prefix}.>", cancellationToken: closing.Token).AsTask();

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        // The first to ask may be a grain, whose turns are not for reading.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (isSpent)
        {
            subscribing = SubscribeAsync();
        }

        isSpent = true;
        await using var subscription = await subscribing;
        await foreach (var message in subscription.Msgs.ReadAllAsync(cancellationToken))
        {
            // Whoever may publish on the network can publish here: what cannot be read is dropped, and never ends a call.
            if (message.Data is not { } payload || !(TryGather(message.Subject, payload) || TryHandOver(payload)))
            {
                Unclaimed++;
            }
        }

        throw new InvalidOperationException("the subscription for replies has ended");
    }

    // The subject ends in the request; whether the reply says the same is for who gathers to see.
    private bool TryGather(string subject, byte[] payload)
    {
        if (!gatheringBySubject.TryGetValue(subject.AsSpan(subject.LastIndexOf('.') + 1), out var take))
        {
            return false;
        }

        take(payload);
        return true;
    }

    private bool TryHandOver(byte[] payload)
    {
        if (!ChoriaEnvelope.TryDecodeReply(payload, out var received, out _)
            || !waiting.TryGetValue(received.Reply.RequestId, out var receive))
        {
            return false;
        }

        try
        {
            receive(received);
        }
        catch (Exception fault)
        {
            // The top of a loop that must go on: all calls over this connection wait for replies here, and one reply must not end it.
            LogNotHandled(received.Reply.RequestId.Length, fault);
        }

        return true;
    }

    [LoggerMessage(LogLevel.Error, "A reply could not be handled and is dropped; its request id has {Length} characters")]
    private partial void LogNotHandled(int length, Exception fault);
}
