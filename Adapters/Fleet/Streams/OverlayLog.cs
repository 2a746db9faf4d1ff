using System.Runtime.CompilerServices;
using System.Text;
using ControlPlane.Adapters.Nats;
using ControlPlane.Store;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Fleet;

/// <summary>A log in a JetStream stream.</summary>
internal sealed class OverlayLog(OverlayStreams streams, string name) : ILog
{
    private const int FetchMax = 512;

    /// <summary>A follower without news looks this often whether the log is still the one that it follows.</summary>
    private static readonly TimeSpan FetchWait = TimeSpan.FromSeconds(15);

    /// <summary>A broker that says nothing for twice as long is gone.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(3);

    private string AllSubjects => streams.SubjectOf(name, [null]);

    public Task<ulong> AppendAsync(LogRecord record, ulong? expected, CancellationToken cancellationToken) => streams.StoreAsync(
        name,
        streams.SubjectOf(name, record.Topic),
        record.Content,
        record.Id is null ? null : JetStreamSubject.Encode(Encoding.UTF8.GetBytes(record.Id)),
        expected,
        cancellationToken);

    public Task<LogItem.Entry?> FindLastAsync(string topic, CancellationToken cancellationToken)
    {
        var subject = streams.SubjectOf(name, topic);
        return streams.AskAsync(
            name,
            async (store, limit) => Read(await store.JetStream.FindLastAsync(store.Name, subject, limit)),
            cancellationToken);
    }

    public async IAsyncEnumerable<LogItem> ReadAsync(
        string topic, ulong after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var subject = streams.SubjectOf(name, topic);
        if (after > 0 && await GetPositionsAsync(cancellationToken) is var held && (after > held.Last || after + 1 < held.First))
        {
            yield return new LogItem.Gap(after, held.First);
            after = held.First - 1;
        }

        while (Read(await FindNextAsync(subject, after, cancellationToken)) is { } entry)
        {
            after = entry.Position;
            yield return entry;
        }
    }

    // By position and not by what a consumer remembers: whatever breaks off, nothing can be missed or come twice.
    public async IAsyncEnumerable<LogItem> FollowAsync(ulong after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        INatsJSConsumer? reader = null;
        var isBeginning = after == 0;
        while (true)
        {
            var next = await FindBeginAsync(after, cancellationToken);
            if (next != after + 1)
            {
                if (!isBeginning)
                {
                    yield return new LogItem.Gap(after, next);
                }

                (after, reader) = (next - 1, null);
            }

            isBeginning = false;
            reader ??= await streams.AskAsync(
                name,
                (store, limit) => store.OpenAsync(
                    from => (from.DeliverPolicy, from.OptStartSeq) = (ConsumerConfigDeliverPolicy.ByStartSequence, next), limit),
                cancellationToken);
            var read = 0;
            var fetch = new NatsJSFetchOpts { MaxMsgs = FetchMax, Expires = FetchWait, IdleHeartbeat = Heartbeat };
            await foreach (var message in streams.ReadAsync(
                name, reader.FetchAsync(fetch, NatsRawSerializer<byte[]>.Default, cancellationToken), cancellationToken))
            {
                if (message.Metadata?.Sequence.Stream != after + 1)
                {
                    break;
                }

                (after, read) = (after + 1, read + 1);
                if (OverlayStreams.NameOrNull(message.Subject) is { } topic)
                {
                    yield return new LogItem.Entry(after, new LogRecord(topic, IdOf(message.Headers), message.Data ?? []));
                }
            }

            // A reader that gives out nothing, or too little, may be gone; the next one begins where we are.
            reader = read == FetchMax ? reader : null;
        }
    }

    public Task<LogPositions> GetPositionsAsync(CancellationToken cancellationToken) => streams.AskAsync(
        name,
        async (store, limit) =>
        {
            var state = (await store.GetStateAsync(limit)).State;
            return new LogPositions(state.Messages == 0 ? state.LastSeq + 1 : state.FirstSeq, state.LastSeq);
        },
        cancellationToken);

    // Where a reader goes on: one after it, unless what is there is gone, or the log was lost and begun anew.
    private async Task<ulong> FindBeginAsync(ulong after, CancellationToken cancellationToken)
    {
        var held = await GetPositionsAsync(cancellationToken);
        if (after > held.Last)
        {
            return held.First;
        }

        return await FindNextAsync(AllSubjects, after, cancellationToken) is { } next ? next.Seq : held.Last + 1;
    }

    private Task<StoredMessage?> FindNextAsync(string subject, ulong after, CancellationToken cancellationToken) => streams.AskAsync(
        name, (store, limit) => store.JetStream.NextAsync(store.Name, after + 1, subject, limit), cancellationToken);

    private static LogItem.Entry? Read(StoredMessage? message) => message is null
        ? null
        : new LogItem.Entry(
            message.Seq,
            new LogRecord(OverlayStreams.NameOrNull(message.Subject!) ?? "", IdOf(message.ReadHeaders()), message.Data.ToArray()));

    private static string? IdOf(NatsHeaders? headers) =>
        headers is not null && headers.TryGetValue(JetStreamStore.MessageId, out var id)
            && JetStreamSubject.DecodeOrNull(id.ToString()) is { } name
            ? Encoding.UTF8.GetString(name)
            : null;
}
