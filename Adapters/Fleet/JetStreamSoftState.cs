using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using ControlPlane.Adapters.Nats;
using ControlPlane.Fleet;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Soft state in a JetStream stream that keeps the last message of each subject.</summary>
internal sealed class JetStreamSoftState(OverlayStreams streams) : ISoftState
{
    private const int FetchMax = 512;
    private const int ReaderNameBytes = 8;

    /// <summary>A broker that has nothing more says so at once; this is for one that says nothing.</summary>
    private static readonly TimeSpan FetchWait = TimeSpan.FromSeconds(5);

    /// <summary>What a reader that died leaves behind goes after this.</summary>
    private static readonly TimeSpan ReaderLinger = TimeSpan.FromSeconds(30);

    public Task KeepAsync(string area, string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        streams.PublishAsync(streams.State, streams.StateSubject(area, key), content, messageId: null, cancellationToken);

    public async IAsyncEnumerable<SoftEntry> RecallAsync(string area, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await streams.EnsureAsync(streams.State, cancellationToken);
        var reader = await streams.AskAsync(
            async (context, limit) => await context.CreateConsumerAsync(
                streams.State,
                // Named: servers before 2.10 take a filter only in the subject of the request, which has a name before it.
                new ConsumerConfig($"recall_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(ReaderNameBytes))}")
                {
                    FilterSubject = streams.StateSubjects(area),
                    DeliverPolicy = ConsumerConfigDeliverPolicy.LastPerSubject,
                    AckPolicy = ConsumerConfigAckPolicy.None,
                    InactiveThreshold = ReaderLinger,
                    MemStorage = true,
                    NumReplicas = 1,
                },
                limit),
            streams.State,
            cancellationToken);

        var left = reader.Info.NumPending;
        while (left > 0)
        {
            var read = await streams.AskAsync(
                (_, limit) => FetchAsync(reader, (int)Math.Min(left, FetchMax), limit), streams.State, cancellationToken);
            if (read.Count == 0)
            {
                throw new SoftStateException($"the brokers stopped giving out {area}: {left} messages are missing");
            }

            left -= (ulong)read.Count;
            foreach (var entry in read.OfType<SoftEntry>())
            {
                yield return entry;
            }
        }
    }

    public Task<ReadOnlyMemory<byte>?> FindAsync(string area, string key, CancellationToken cancellationToken) => streams.AskAsync(
        async (context, limit) => (await context.FindLastAsync(streams.State, streams.StateSubject(area, key), limit))?.Data,
        streams.State,
        cancellationToken);

    // Null for what somebody else put there.
    private static async Task<List<SoftEntry?>> FetchAsync(INatsJSConsumer reader, int max, CancellationToken cancellationToken)
    {
        var read = new List<SoftEntry?>(max);
        await foreach (var message in reader.FetchAsync(
            new NatsJSFetchOpts { MaxMsgs = max, Expires = FetchWait }, NatsRawSerializer<byte[]>.Default, cancellationToken))
        {
            read.Add(OverlayStreams.KeyOrNull(message.Subject) is { } key ? new SoftEntry(key, message.Data ?? []) : null);
        }

        return read;
    }
}
