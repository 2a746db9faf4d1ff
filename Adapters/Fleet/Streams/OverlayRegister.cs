using System.Runtime.CompilerServices;
using ControlPlane.Adapters.Nats;
using ControlPlane.Store;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Fleet;

/// <summary>A register in a JetStream stream that keeps the last message of each subject.</summary>
internal sealed class OverlayRegister(OverlayStreams streams) : IRegister
{
    private const int FetchMax = 512;

    /// <summary>A broker that has nothing more says so at once; this is for one that says nothing.</summary>
    private static readonly TimeSpan FetchWait = TimeSpan.FromSeconds(5);

    public Task<ulong> WriteAsync(
        string area, string key, ReadOnlyMemory<byte> content, ulong? expected, CancellationToken cancellationToken) =>
        streams.StoreAsync(
            OverlayStreams.State, streams.SubjectOf(OverlayStreams.State, area, key), content, id: null, expected, cancellationToken);

    public Task<RegisterEntry?> FindAsync(string area, string key, CancellationToken cancellationToken)
    {
        var subject = streams.SubjectOf(OverlayStreams.State, area, key);
        return streams.AskAsync(
            OverlayStreams.State,
            async (store, limit) => await store.JetStream.FindLastAsync(store.Name, subject, limit) is { } last
                ? new RegisterEntry(key, last.Data, last.Seq)
                : null,
            cancellationToken);
    }

    public async IAsyncEnumerable<RegisterEntry> ListAsync(string area, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var subjects = streams.SubjectOf(OverlayStreams.State, area, null);
        var reader = await streams.AskAsync(
            OverlayStreams.State, (store, limit) => store.OpenLastAsync(subjects, limit), cancellationToken);

        var left = reader.Info.NumPending;
        while (left > 0)
        {
            var read = await streams.AskAsync(
                OverlayStreams.State, (_, limit) => FetchAsync(reader, (int)Math.Min(left, FetchMax), limit), cancellationToken);
            if (read.Count == 0)
            {
                throw new StoreUnavailableException($"the brokers stopped giving out {area}: {left} values are missing");
            }

            left -= (ulong)read.Count;
            foreach (var entry in read.OfType<RegisterEntry>())
            {
                yield return entry;
            }
        }
    }

    // Null for what somebody else put there.
    private static async Task<List<RegisterEntry?>> FetchAsync(INatsJSConsumer reader, int max, CancellationToken cancellationToken)
    {
        var read = new List<RegisterEntry?>(max);
        await foreach (var message in reader.FetchAsync(
            new NatsJSFetchOpts { MaxMsgs = max, Expires = FetchWait }, NatsRawSerializer<byte[]>.Default, cancellationToken))
        {
            read.Add(OverlayStreams.NameOrNull(message.Subject) is { } key && message.Metadata is { } metadata
                ? new RegisterEntry(key, message.Data ?? [], metadata.Sequence.Stream)
                : null);
        }

        return read;
    }
}
