using System.Diagnostics;
using ControlPlane.Adapters.Choria;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Benchmarks.Jobs;

/// <summary>
/// Small jobs of one node each, many at once, until each has ended; beside as many appends to a log by the NATS client as the jobs made
/// in the site's streams, counted there, by as many callers.
/// </summary>
public sealed class JobStartsBenchmark : IBenchmark, IAsyncDisposable
{
    private const int Jobs = 400;
    private const int Callers = 64;
    private const int RecordBytes = 400;

    private static readonly string[] Streams = ["jobs", "jobs-known", "audit"];

    private readonly Dictionary<string, double> details = [];
    private readonly byte[] record = new byte[RecordBytes];
    private JobsStage stage = null!;
    private NatsServer server = null!;
    private NatsConnection connection = null!;
    private NatsJSContext log = null!;
    private int appends;

    public string Name => "jobs-starts";

    public string Unit => "jobs/s";

    public IReadOnlyDictionary<string, double> Details => details;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        stage = await JobsStage.StartAsync(Callers, cancellationToken);
        server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, cancellationToken);
        connection = new NatsConnection(new NatsOpts { Url = server.Url });
        log = new NatsJSContext(connection);
        await log.CreateStreamAsync(new StreamConfig("BENCH", ["bench.>"]), cancellationToken);
        await RunOursAsync(cancellationToken);
        var before = await CountAppendsAsync(cancellationToken);
        await RunOursAsync(cancellationToken);
        appends = (int)((await CountAppendsAsync(cancellationToken) - before) / Jobs);
        details["appends_per_job"] = appends;
        await RunReferenceAsync(cancellationToken);
    }

    public Task<double> RunOursAsync(CancellationToken cancellationToken) => MeasureAsync(
        async (caller, token) =>
        {
            var succeeded = await stage.RunAsync(
                new
                {
                    agent = RpcutilAgent.Name,
                    action = "ping",
                    targets = new { identities = new[] { JobsStage.IdentityOf(caller) } },
                },
                token);
            if (succeeded != 1)
            {
                throw new InvalidOperationException($"the node of caller {caller} did not answer");
            }
        },
        cancellationToken);

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken) => MeasureAsync(
        async (caller, token) =>
        {
            for (var number = 0; number < appends; number++)
            {
                (await log.PublishAsync($"bench.{caller}", record, cancellationToken: token)).EnsureSuccess();
            }
        },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
            await server.DisposeAsync();
        }

        if (stage is not null)
        {
            await stage.DisposeAsync();
        }
    }

    private static async Task<double> MeasureAsync(Func<int, CancellationToken, Task> job, CancellationToken cancellationToken)
    {
        var (began, left) = (Stopwatch.GetTimestamp(), Jobs);
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(async caller =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await job(caller, cancellationToken);
            }
        }));
        return Jobs / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private async Task<ulong> CountAppendsAsync(CancellationToken cancellationToken)
    {
        var site = new NatsJSContext(stage.Rpc.Connections.Of(EnrolmentStage.Overlay)[0]);
        ulong count = 0;
        foreach (var kind in Streams)
        {
            var stream = await site.GetStreamAsync($"controlplane_{EnrolmentStage.Overlay}_{kind}", cancellationToken: cancellationToken);
            count += stream.Info.State.LastSeq;
        }

        return count;
    }
}
