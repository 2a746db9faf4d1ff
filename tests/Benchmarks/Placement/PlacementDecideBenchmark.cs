using System.Diagnostics;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Benchmarks.Placement;

/// <summary>Decisions with their explanation, through the grain and into Redis, beside the engine alone in a loop.</summary>
public sealed class PlacementDecideBenchmark : IBenchmark, IAsyncDisposable
{
    private const int Decisions = 20_000;
    private const int CallersAtOnce = 1024;

    private readonly Dictionary<string, double> details = [];
    private RedisServer? redis;
    private IHost? host;
    private int round;

    public string Name => "placement-decide";

    public string Unit => "decisions/s";

    public int Rounds => 3;

    public IReadOnlyDictionary<string, double> Details => details;

    private IGrainFactory Grains => host!.Services.GetRequiredService<IGrainFactory>();

    private IInternalPlacementGrain Region => Grains.GetGrain<IInternalPlacementGrain>("bench");

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        // Before the silo: building a million nodes takes longer than the silo takes to wake the region, which would be empty then.
        _ = BenchmarkFleet.Instance;
        redis = await RedisServer.StartAsync(cancellationToken);
        host = BuildHost(redis.ConnectionString);
        await host.StartAsync(cancellationToken);
        await SeedAsync();
        var busyBefore = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();

        // The first call restores a million nodes and may take longer than a call is given.
        while (true)
        {
            try
            {
                var restored = (await Region.ListOverlays()).Sum(overlay => overlay.Nodes);
                if (restored != BenchmarkFleet.Nodes)
                {
                    throw new InvalidOperationException($"the region was activated with {restored} nodes before it was seeded");
                }

                break;
            }
            catch (TimeoutException)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        details["restart_cpu_s"] = (Environment.CpuUsage.TotalTime - busyBefore).TotalSeconds;
        details["restart_s"] = Stopwatch.GetElapsedTime(began).TotalSeconds;
        details["bytes_per_node"] = BenchmarkFleet.Instance.BytesPerNode;
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var nodes = BenchmarkFleet.Arrivals(Decisions, ++round);
        var latencies = new double[Decisions];
        var next = -1;
        var busyBefore = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, CallersAtOnce).Select(async _ =>
        {
            for (var i = Interlocked.Increment(ref next); i < Decisions; i = Interlocked.Increment(ref next))
            {
                var asked = Stopwatch.GetTimestamp();
                await Region.Place(new PlacementRequest(nodes[i].Identity, 1, nodes[i].Claims, "{}"));
                latencies[i] = Stopwatch.GetElapsedTime(asked).TotalMilliseconds;
            }
        }));
        var elapsed = Stopwatch.GetElapsedTime(began);

        // Callers, grain, messages and the store's client: what a decision costs whoever else uses the machine.
        details["cpu_us_per_decision"] = (Environment.CpuUsage.TotalTime - busyBefore).TotalMicroseconds / Decisions;
        Array.Sort(latencies);
        details["p50_ms"] = latencies[Decisions / 2];
        details["p99_ms"] = latencies[Decisions * 99 / 100];
        await Task.WhenAll(nodes.Select(node => Region.Release(node.Identity, 1)));
        return Decisions / elapsed.TotalSeconds;
    }

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        var ledger = BenchmarkFleet.Instance.Ledger;
        var nodes = BenchmarkFleet.Arrivals(Decisions, ++round);
        var began = Stopwatch.GetTimestamp();
        foreach (var (identity, claims) in nodes)
        {
            BenchmarkFleet.Place(ledger, identity, claims);
        }

        var elapsed = Stopwatch.GetElapsedTime(began);
        foreach (var (identity, _) in nodes)
        {
            ledger.Apply(new PlacementChange.NodeForgotten(identity));
        }

        return Task.FromResult(Decisions / elapsed.TotalSeconds);
    }

    public async ValueTask DisposeAsync()
    {
        if (host is not null)
        {
            await host.StopAsync();
            host.Dispose();
        }

        if (redis is not null)
        {
            await redis.DisposeAsync();
        }
    }

    // As a compaction would have written it: bringing a million nodes in one by one would be most of the run.
    private async Task SeedAsync()
    {
        var services = host!.Services;
        var journal = new PlacementJournal(
            services.GetRequiredKeyedService<IGrainStorage>(Stores.Fleet), Region.GetGrainId(), services.GetRequiredService<Serializer>());
        await journal.RestoreAsync(new RegionState());
        var ledger = BenchmarkFleet.Instance.Ledger;
        Array.Fill(ledger.ChangedShards, true);
        var policy = new PolicyVersion(1, "benchmark", BenchmarkFleet.PolicyText, "benchmark", DateTimeOffset.UnixEpoch);
        await journal.CompactAsync(ledger, () =>
            ledger.Capture() with { Policies = ControlPlane.Placement.Policies.PolicyHistory.Empty.With(policy) });
    }

    private static IHost BuildHost(string redisAddress)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(LoopbackPort.Free(), LoopbackPort.Free());
            silo.AddRedisGrainStorage(Stores.Fleet, storage => storage.Configure<IServiceProvider>((options, services) =>
            {
                options.ConfigurationOptions = StackExchange.Redis.ConfigurationOptions.Parse(redisAddress);
                options.GrainStorageSerializer = new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>());
            }));
            silo.AddOverlayPlacement();
            silo.Services.Configure<OverlaysOptions>(options =>
            {
                var wanted = BenchmarkFleet.OptionsFor(BenchmarkFleet.OverlayCount);
                (options.Region, options.Local, options.Members) = (wanted.Region, wanted.Local, wanted.Members);
            });
            silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(60));
        });
        return builder.Build();
    }
}
