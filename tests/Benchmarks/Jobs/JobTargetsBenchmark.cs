using System.Diagnostics;
using System.Globalization;
using ControlPlane.Adapters.Choria;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Benchmarks.Jobs;

/// <summary>
/// A job on a whole fleet, from its submission to the end that the caller is told of, beside one bare call of the same nodes by the same
/// RPC. The nodes live in this process, in both.
/// </summary>
public abstract class JobTargetsBenchmark(string mode) : IBenchmark, IAsyncDisposable
{
    private readonly Dictionary<string, double> details = [];
    private JobsStage stage = null!;

    public string Name => mode == "reliable" ? "jobs-targets-reliable" : "jobs-targets";

    public string Unit => "ms";

    public IReadOnlyDictionary<string, double> Details => details;

    // The variable makes it smaller, for a look.
    private static int Nodes { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("BENCH_JOBS_NODES"), CultureInfo.InvariantCulture, out var nodes) ? nodes : 10_000;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        stage = await JobsStage.StartAsync(Nodes, cancellationToken);
        await RunReferenceAsync(cancellationToken);
        await RunOursAsync(cancellationToken);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var succeeded = await stage.RunAsync(
            new { agent = RpcutilAgent.Name, action = "ping", mode, targets = new { all = true } }, cancellationToken);
        var took = Stopwatch.GetElapsedTime(began);
        details["targets_per_second"] = Nodes / took.TotalSeconds;
        return succeeded == Nodes
            ? took.TotalMilliseconds
            : throw new InvalidOperationException($"{succeeded} of {Nodes} succeeded");
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        await stage.Rpc.CallAsync(EnrolmentStage.Overlay, RpcutilAgent.Name, "ping", stage.Targets, cancellationToken);
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    public async ValueTask DisposeAsync()
    {
        if (stage is not null)
        {
            await stage.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}

/// <summary>Silence is a failure.</summary>
public sealed class BestEffortJobBenchmark() : JobTargetsBenchmark("bestEffort");

/// <summary>Silence is looked into.</summary>
public sealed class ReliableJobBenchmark() : JobTargetsBenchmark("reliable");
