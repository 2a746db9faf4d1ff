using System.Diagnostics;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using NATS.Client.Core;

namespace ControlPlane.Benchmarks.Rpc;

/// <summary>
/// 20,000 nodes answer <c>rpcutil#ping</c> through our RPC, beside the same bytes published to the same subjects and the same replies
/// counted by the NATS client. The nodes' work is in both: they sign, and share the machine.
/// </summary>
public abstract class RpcBenchmark(bool isSigned) : IBenchmark, IAsyncDisposable
{
    private const int Nodes = 20_000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Dictionary<string, double> details = [];
    private readonly RpcTarget[] targets =
        [.. Enumerable.Range(0, Nodes).Select(number => new RpcTarget(AnsweringNodes.IdentityOf(number), NodeProtocol.V2))];

    private MeasuredRpc stage = null!;
    private NatsConnection raw = null!;

    public string Name => isSigned ? "rpc-signed" : "rpc-unsigned";

    public string Unit => "ms";

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        stage = await MeasuredRpc.StartAsync(Nodes, isSigned, cancellationToken);
        raw = new NatsConnection(new NatsOpts { Url = stage.Url, SubPendingChannelCapacity = 65_536 });
        await raw.ConnectAsync();

        // The first call verifies each node's token; later ones know it.
        details["first_call_ms"] = await RunOursAsync(cancellationToken);
        await RunReferenceAsync(cancellationToken);
        await RunOursAsync(cancellationToken);
        await RunReferenceAsync(cancellationToken);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        var began = Stopwatch.GetTimestamp();
        await stage.Ours.CallAsync(MeasuredRpc.Overlay, RpcutilAgent.Name, "ping", targets, limit.Token);
        var took = Stopwatch.GetElapsedTime(began);
        details["ours_cpu_ms"] = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds;
        details["ours_per_second"] = Nodes / took.TotalSeconds;
        return took.TotalMilliseconds;
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        var began = Stopwatch.GetTimestamp();
        var (payload, replySubject) = stage.Request();
        await using var replies = await raw.SubscribeCoreAsync<byte[]>(replySubject, cancellationToken: limit.Token);
        var sending = SendAsync(payload, limit.Token);
        for (var left = Nodes; left > 0; left--)
        {
            await replies.Msgs.ReadAsync(limit.Token);
        }

        var took = Stopwatch.GetElapsedTime(began);
        await sending;
        details["reference_cpu_ms"] = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds;
        return took.TotalMilliseconds;
    }

    public async ValueTask DisposeAsync()
    {
        await raw.DisposeAsync();
        await stage.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private async Task SendAsync(byte[] payload, CancellationToken cancellationToken)
    {
        await Task.Yield();
        foreach (var target in targets)
        {
            await raw.PublishAsync(ChoriaSubjects.Node("choria", target.Identity), payload, cancellationToken: cancellationToken);
        }
    }
}

/// <summary>Nodes sign what they answer, and each signature is verified.</summary>
public sealed class SignedRpcBenchmark() : RpcBenchmark(isSigned: true);

/// <summary>Nodes do not sign, and nothing is verified but the hash.</summary>
public sealed class UnsignedRpcBenchmark() : RpcBenchmark(isSigned: false);
