using System.Threading.Channels;
using ControlPlane.Adapters.Choria;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Fleet.Rpc;

/// <summary>Replies to one request on their way from the connection to who reads them, verified on all cores.</summary>
/// <remarks>
/// A reader that does not read holds up its own request alone: what comes when all room is taken is dropped and counted, and its node is
/// silent as far as the reader can see.
/// </remarks>
internal sealed partial class ReplyGathering : IAsyncDisposable
{
    /// <summary>Replies that wait to be verified: all of an overlay's that come at once, thrice.</summary>
    private const int ArrivedMax = 65_536;

    /// <summary>Verified ones that wait to be read.</summary>
    private const int VerifiedMax = 16_384;

    /// <summary>What all of them may hold: a reply is of a kilobyte or two, and of a megabyte at most.</summary>
    private const long BytesMax = 256L << 20;

    private const int VerifiersMax = 4;

    private readonly Channel<byte[]> arrived = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(ArrivedMax));
    private readonly Channel<(RpcNodeReply Reply, int Bytes)> verified =
        Channel.CreateBounded<(RpcNodeReply, int)>(new BoundedChannelOptions(VerifiedMax) { SingleReader = true });

    private readonly CancellationTokenSource closing = new();
    private readonly Func<byte[], (RpcNodeReply? Reply, string Outcome)> judge;
    private readonly RpcMeter meter;
    private readonly ILogger logger;
    private readonly Task verifying;
    private long heldBytes;
    private long unexpected;
    private long duplicates;
    private long unverified;
    private long unread;

    /// <param name="judge">Says what a payload is worth; called for several at once.</param>
    /// <param name="meter">Hears of each.</param>
    /// <param name="logger">Hears of faults of ours.</param>
    public ReplyGathering(Func<byte[], (RpcNodeReply? Reply, string Outcome)> judge, RpcMeter meter, ILogger logger)
    {
        (this.judge, this.meter, this.logger) = (judge, meter, logger);
        verifying = VerifyAllAsync();
    }

    public RpcDropped Dropped => new(Volatile.Read(ref unexpected), Volatile.Read(ref duplicates), Volatile.Read(ref unverified))
    {
        Unread = Volatile.Read(ref unread),
    };

    /// <summary>Takes what came; never waits.</summary>
    public void Take(byte[] payload)
    {
        if (Interlocked.Add(ref heldBytes, payload.Length) > BytesMax || !arrived.Writer.TryWrite(payload))
        {
            Interlocked.Add(ref heldBytes, -payload.Length);
            Count(RpcMeter.Unread);
        }
    }

    public async IAsyncEnumerable<RpcNodeReply> ReadAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (reply, bytes) in verified.Reader.ReadAllAsync(cancellationToken))
        {
            Interlocked.Add(ref heldBytes, -bytes);
            yield return reply;
        }
    }

    /// <summary>No more is taken: reading ends with what came before.</summary>
    public void Complete() => arrived.Writer.TryComplete();

    public async ValueTask DisposeAsync()
    {
        Complete();
        await closing.CancelAsync();
        await verifying;
        closing.Dispose();
    }

    private async Task VerifyAllAsync()
    {
        var verifiers = Math.Clamp(Environment.ProcessorCount, 1, VerifiersMax);
        await Task.WhenAll(Enumerable.Range(0, verifiers).Select(_ => VerifyAsync(closing.Token)))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        verified.Writer.TryComplete();
    }

    private async Task VerifyAsync(CancellationToken cancellationToken)
    {
        // Who opens a request may be a grain, whose turns are not for verifying.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await foreach (var payload in arrived.Reader.ReadAllAsync(cancellationToken))
        {
            if (Judge(payload) is { } reply)
            {
                await verified.Writer.WriteAsync((reply, payload.Length), cancellationToken);
            }
            else
            {
                Interlocked.Add(ref heldBytes, -payload.Length);
            }
        }
    }

    private RpcNodeReply? Judge(byte[] payload)
    {
        try
        {
            var (reply, outcome) = judge(payload);
            Count(outcome);
            return reply;
        }
        catch (Exception fault)
        {
            // The top of a loop that must go on: one reply must not end the reading of thousands.
            LogNotHandled(payload.Length, fault);
            Count(RpcMeter.Unverified);
            return null;
        }
    }

    private void Count(string outcome)
    {
        switch (outcome)
        {
            case RpcMeter.Unexpected:
                Interlocked.Increment(ref unexpected);
                break;
            case RpcMeter.Duplicate:
                Interlocked.Increment(ref duplicates);
                break;
            case RpcMeter.Unverified:
                Interlocked.Increment(ref unverified);
                break;
            case RpcMeter.Unread:
                Interlocked.Increment(ref unread);
                break;
        }

        meter.Reply(outcome);
    }

    [LoggerMessage(LogLevel.Error, "A reply of {Bytes} bytes could not be handled and is dropped")]
    private partial void LogNotHandled(int bytes, Exception fault);
}
