using System.Diagnostics;
using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Benchmarks.Placement;

/// <summary>
/// Decisions with their explanation: through the region's grain, reserved by the overlay's and stored in Redis, beside the engine alone
/// in a loop.
/// </summary>
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

    private IInternalPlacementGrain Region => Grains.GetGrain<IInternalPlacementGrain>(BenchmarkFleet.Region);

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        redis = await RedisServer.StartAsync(cancellationToken);
        await SeedAsync(redis.ConnectionString, cancellationToken);
        host = BuildHost(redis.ConnectionString, hasPlacement: true);
        await host.StartAsync(cancellationToken);
        var busyBefore = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();

        // The first call has all overlays restored and listed, a million nodes, and may take longer than a call is given.
        while (true)
        {
            try
            {
                var restored = (await Region.ListOverlays()).Sum(overlay => overlay.Nodes);
                if (restored != BenchmarkFleet.Nodes)
                {
                    throw new InvalidOperationException($"the region lists {restored} nodes");
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
        var outcomes = new PlacementOutcome[Decisions];
        var next = -1;
        var busyBefore = Environment.CpuUsage.TotalTime;
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, CallersAtOnce).Select(async _ =>
        {
            for (var i = Interlocked.Increment(ref next); i < Decisions; i = Interlocked.Increment(ref next))
            {
                var asked = Stopwatch.GetTimestamp();
                outcomes[i] = await Region.Place(new PlacementRequest(nodes[i].Identity, nodes[i].Claims, "{}"));
                latencies[i] = Stopwatch.GetElapsedTime(asked).TotalMilliseconds;
            }
        }));
        var elapsed = Stopwatch.GetElapsedTime(began);

        // Callers, grain, messages and the store's client: what a decision costs whoever else uses the machine.
        details["cpu_us_per_decision"] = (Environment.CpuUsage.TotalTime - busyBefore).TotalMicroseconds / Decisions;
        Array.Sort(latencies);
        details["p50_ms"] = latencies[Decisions / 2];
        details["p99_ms"] = latencies[Decisions * 99 / 100];
        details["not_placed"] = outcomes.Count(outcome => outcome is not PlacementOutcome.Placed);
        foreach (var why in outcomes.Where(outcome => outcome is not PlacementOutcome.Placed).CountBy(outcome => $"{outcome}").Take(3))
        {
            await System.Console.Error.WriteLineAsync($"{why.Value} decisions: {why.Key}");
        }

        await Task.WhenAll(nodes.Zip(outcomes, (node, outcome) => outcome is PlacementOutcome.Placed placed
            ? Grains.GetOverlay(BenchmarkFleet.Region, placed.Overlay).Release(node.Identity)
            : Task.CompletedTask));
        await UntilForgottenAsync(cancellationToken);
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

    // The region hears within a second that the places were given back.
    private async Task UntilForgottenAsync(CancellationToken cancellationToken)
    {
        while ((await Region.ListOverlays()).Sum(overlay => overlay.Reserved) > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }

    // As compactions would have written it, before there is a grain: bringing a million nodes in one by one would be most of the run.
    private async Task SeedAsync(string redisAddress, CancellationToken cancellationToken)
    {
        var fleet = BenchmarkFleet.Instance;
        using var seeding = BuildHost(redisAddress, hasPlacement: false);
        await seeding.StartAsync(cancellationToken);
        var storage = seeding.Services.GetRequiredKeyedService<IGrainStorage>(Stores.Fleet);
        var serializer = seeding.Services.GetRequiredService<Serializer>();
        var region = new StoredRegion(
            storage, GrainId.Create("region-placement", BenchmarkFleet.Region), serializer, TimeProvider.System, Fail);
        await region.OpenAsync(fleet.Options);
        await region.Record(new PlacementChange.PolicyApplied(
            new PolicyVersion(1, "benchmark", BenchmarkFleet.PolicyText, "benchmark", DateTimeOffset.UnixEpoch)));
        foreach (var overlay in fleet.Ledger.AllNodes().GroupBy(node => node.Home!))
        {
            var places = new OverlayPlaces(overlay.Key);
            var journal = new PlacementJournal(
                storage, GrainId.Create("overlay-placement", $"{BenchmarkFleet.Region}/{overlay.Key}"), serializer);
            await journal.RestoreAsync(places);
            foreach (var node in overlay)
            {
                places.Apply(new PlacementChange.NodeChanged(node));
            }

            await journal.CompactAsync(places);
        }

        details["bytes_per_node_owned"] = await MeasureOwnedAsync(storage, serializer, fleet.Options.Members.Keys.First());
        await seeding.StopAsync(cancellationToken);

        static void Fail(Exception fault) => throw new InvalidOperationException("the fleet could not be seeded", fault);
    }

    /// <summary>What an overlay holds of each node in memory after it was restored.</summary>
    private static async Task<double> MeasureOwnedAsync(IGrainStorage storage, Serializer serializer, string overlay)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var places = new OverlayPlaces(overlay);
        await new PlacementJournal(storage, GrainId.Create("overlay-placement", $"{BenchmarkFleet.Region}/{overlay}"), serializer)
            .RestoreAsync(places);
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        return (double)bytes / places.Nodes;
    }

    private static IHost BuildHost(string redisAddress, bool hasPlacement)
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
            silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(60));
            if (!hasPlacement)
            {
                return;
            }

            silo.AddOverlayPlacement();
            silo.Services.Configure<OverlaysOptions>(options =>
            {
                var wanted = BenchmarkFleet.OptionsFor(BenchmarkFleet.OverlayCount);
                (options.Region, options.Local, options.Members) = (wanted.Region, wanted.Local, wanted.Members);
            });
        });
        return builder.Build();
    }
}
