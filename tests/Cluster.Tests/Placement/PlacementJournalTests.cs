using System.Diagnostics;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>The journal on a real Redis: silos that die at any write, and two that both believe they are the one.</summary>
public sealed class PlacementJournalTests : IAsyncLifetime
{
    private static readonly OverlaysOptions Options = new()
    {
        Region = "test",
        Local = "a",
        Members =
        {
            ["a"] = new OverlayOptions { HardLimit = 40_000, SoftLimit = 40_000 },
            ["b"] = new OverlayOptions { HardLimit = 40_000, SoftLimit = 40_000, ServedBy = "a" },
        },
    };

    private RedisServer redis = null!;
    private InProcessTestCluster cluster = null!;
    private IServiceProvider services = null!;
    private int regions;

    public async ValueTask InitializeAsync()
    {
        redis = await RedisServer.StartAsync(TestContext.Current.CancellationToken);
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) => silo.AddRedisGrainStorage(
            Stores.Fleet,
            storage => storage.Configure<IServiceProvider>((options, provider) =>
            {
                options.ConfigurationOptions = StackExchange.Redis.ConfigurationOptions.Parse(redis.ConnectionString);
                options.GrainStorageSerializer = new OrleansGrainStorageSerializer(provider.GetRequiredService<Serializer>());
                options.DeleteStateOnClear = true;
            })));
        cluster = builder.Build();
        await cluster.DeployAsync();
        services = cluster.GetSiloServiceProvider(cluster.Silos[0].SiloAddress);
    }

    public async ValueTask DisposeAsync()
    {
        await cluster.StopAllSilosAsync();
        await cluster.DisposeAsync();
        await redis.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OpenAsync_KnowsAllThatWasAnswered_WheneverTheSiloDied(bool isStored)
    {
        for (var lastWrite = 1; lastWrite <= 9; lastWrite++)
        {
            var region = NewRegion();
            var answered = new HashSet<string>(StringComparer.Ordinal);
            try
            {
                var dying = await OpenAsync(region, new DyingStorage(Storage, lastWrite, isStored));
                var guarded = Desk(dying);
                for (var i = 0; i < 12; i++)
                {
                    await guarded.Place(Request($"n{i}"));
                    await guarded.Confirm($"n{i}", 1);
                    answered.Add($"n{i}");
                }
            }
            catch (Exception dead) when (dead is PlacementUnavailableException or IOException)
            {
            }

            var next = await OpenAsync(region, Storage);
            Assert.All(answered, identity => Assert.NotNull(next.Ledger.Node(identity)?.Home));

            // Who got no answer asks again: one place each, whatever the dead silo had stored.
            for (var i = 0; i < 12; i++)
            {
                Assert.IsType<PlacementOutcome.Placed>(await Desk(next).Place(Request($"n{i}")));
                await Desk(next).Confirm($"n{i}", 1);
            }

            Assert.Equal(
                (12, 0), (next.Ledger.Overlays.Sum(overlay => overlay.Nodes), next.Ledger.Overlays.Sum(overlay => overlay.Reserved)));
        }
    }

    [Fact]
    public async Task Record_IsRefusedByTheStore_WhenAnotherActivationTookOver()
    {
        var region = NewRegion();
        Exception? lost = null;
        var stale = await OpenAsync(region, Storage, fault => lost = fault);
        await Desk(stale).Place(Request("before"));

        var current = await OpenAsync(region, Storage);
        await Assert.ThrowsAsync<PlacementUnavailableException>(() => Desk(stale).Place(Request("split")));
        await Desk(current).Place(Request("after"));

        Assert.NotNull(lost);
        Assert.Throws<PlacementUnavailableException>(() => { _ = stale.Record(new PlacementChange.NodeForgotten("before")); });
        var next = await OpenAsync(region, Storage);
        Assert.Equal(["after", "before"], next.Ledger.AllNodes().Select(node => node.Identity).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task OpenAsync_KnowsSinceWhenANodeHasNoPlace_FromTheJournalAndFromTheHead()
    {
        var region = NewRegion();
        var first = await OpenAsync(region, Storage);
        var rule = first.Ledger.Policy.Unplaceable;
        foreach (var overlay in new[] { "a", "b" })
        {
            await first.Record(new PlacementChange.OverlaySet(overlay, OverlayState.Cordoned, "test", first.Now));
        }

        await Desk(first).Place(Request("waits"));
        await Desk(first).Place(Request("placed"));
        await Desk(first).Place(Request("waits"));
        var since = Assert.Single(first.Ledger.Unplaced.Capture(), node => node.Identity == "waits").Since;
        await first.Record(new PlacementChange.NodeChanged(PlacedNode.New("placed") with { Home = "a", HomeAttempt = 1 }));

        var next = await OpenAsync(region, Storage);
        var fromHead = new RegionState();
        fromHead.Restore(next.Ledger.Capture());
        foreach (var unplaced in new[] { next.Ledger.Unplaced, fromHead.Unplaced })
        {
            Assert.Equal([("waits", since)], unplaced.Capture().Select(node => (node.Identity, node.Since)));
            Assert.Contains("first waits", unplaced.Look(rule, since + rule.AlertAfter), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task OpenAsync_RestoresFiftyThousandNodes_InBoundedTime()
    {
        var region = NewRegion();
        var first = await OpenAsync(region, Storage);

        // One thing at a time, as in a turn of the grain: what is written gathers without a lock.
        var turns = new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler;
        await Task.Factory.StartNew(
            async () =>
            {
                for (var i = 0; i < 50_000; i++)
                {
                    _ = first.Record(new PlacementChange.NodeChanged(
                        PlacedNode.New($"n{i}.example.net") with { Home = i % 2 == 0 ? "a" : "b", HomeAttempt = 1 }));
                }

                await first.Written;
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.None,
            turns).Unwrap();
        var began = Stopwatch.GetTimestamp();
        var next = await OpenAsync(region, Storage);

        Assert.Equal((50_000, 25_000), (next.Ledger.NodeCount, next.Ledger.Overlay("a")!.Nodes));

        // Read node by node it would take minutes; how fast it is, the benchmark tells.
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 60);
    }

    private IGrainStorage Storage => services.GetRequiredKeyedService<IGrainStorage>(Stores.Fleet);

    private GrainId NewRegion() => GrainId.Create("overlay-placement", $"region-{Interlocked.Increment(ref regions)}");

    private async Task<StoredRegion> OpenAsync(GrainId region, IGrainStorage storage, Action<Exception>? onLost = null)
    {
        var history = new StoredRegion(
            storage, region, services.GetRequiredService<Serializer>(), TimeProvider.System, onLost ?? (_ => { }));
        await history.OpenAsync(Options);
        return history;
    }

    private static NodePlacements Desk(StoredRegion history)
    {
        var meter = new PlacementMeter();
        return new NodePlacements(history, "test", new ExternalDecision(null, TimeProvider.System, meter), meter);
    }

    private static PlacementRequest Request(string identity) => new(identity, 1, "{}", "{}");
}
