using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Nats;

/// <summary>
/// Readers that look at what a JetStream stream holds and leave nothing behind: no position, and after a while no consumer.
/// </summary>
public static class JetStreamReaders
{
    private const int FetchMax = 512;
    private const int NameBytes = 8;

    /// <summary>A server that has nothing more says so at once; this is for one that says nothing.</summary>
    private static readonly TimeSpan FetchWait = TimeSpan.FromSeconds(5);

    /// <summary>What a reader that died leaves behind goes after this.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(30);

    /// <summary>Opens a reader.</summary>
    /// <param name="jetStream">Where the stream is.</param>
    /// <param name="stream">Its name.</param>
    /// <param name="configure">What is read: filter and begin.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<INatsJSConsumer> OpenReaderAsync(
        this NatsJSContext jetStream, string stream, Action<ConsumerConfig> configure, CancellationToken cancellationToken)
    {
        // Named: servers before 2.10 take a filter only in the subject of the request, which has a name before it.
        var reader = new ConsumerConfig($"read_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NameBytes))}")
        {
            AckPolicy = ConsumerConfigAckPolicy.None,
            InactiveThreshold = Linger,
            MemStorage = true,
            NumReplicas = 1,
        };
        configure(reader);
        return await jetStream.CreateConsumerAsync(stream, reader, cancellationToken);
    }

    /// <summary>What a reader had before it when it was opened.</summary>
    /// <exception cref="NatsException">The server does not give out all of it.</exception>
    public static async IAsyncEnumerable<INatsJSMsg<byte[]>> ReadToEndAsync(
        this INatsJSConsumer reader, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (ulong left = reader.Info.NumPending, before = 0; left > 0;)
        {
            before = left;
            var fetch = new NatsJSFetchOpts { MaxMsgs = (int)Math.Min(left, FetchMax), Expires = FetchWait };
            await foreach (var message in reader.FetchAsync(fetch, NatsRawSerializer<byte[]>.Default, cancellationToken))
            {
                left--;
                yield return message;
            }

            if (left == before)
            {
                throw new NatsJSException($"the server stopped giving out {reader.Info.StreamName}: {left} messages are missing");
            }
        }
    }
}
