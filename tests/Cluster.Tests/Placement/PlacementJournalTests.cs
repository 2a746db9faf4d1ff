using System.Diagnostics;
using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
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
    private static readonly LeaderEpoch Leader = new("a", 0);

    private static readonly OverlaysOptions Options = new()
    {
        Region = "test",
        Local = "a",
        Members = { ["a"] = new OverlayOptions { HardLimit = 60_000, SoftLimit = 60_000 } },
    };

    private RedisServer redis = null!;
    private InProcessTestCluster cluster = null!;
    private IServiceProvider services = null!;
    private int overlays;

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
            var grain = NewGrain();
            var answered = new HashSet<string>(StringComparer.Ordinal);
            try
            {
                var (_, dying) = await OpenAsync(grain, new DyingStorage(Storage, lastWrite, isStored));
                for (var i = 0; i < 12; i++)
                {
                    await ReserveAsync(dying, $"n{i}");
                    await dying.Confirm($"n{i}");
                    answered.Add($"n{i}");
                }
            }
            catch (Exception dead) when (dead is PlacementUnavailableException or IOException)
            {
            }

            var (stored, next) = await OpenAsync(grain, Storage);
            Assert.All(answered, identity => Assert.NotNull(stored.Places.Node(identity)?.Home));

            // Who got no answer asks again: one place each, whatever the dead silo had stored.
            for (var i = 0; i < 12; i++)
            {
                Assert.Null(await ReserveAsync(next, $"n{i}"));
                Assert.Equal(Confirmation.Lives, await next.Confirm($"n{i}"));
            }

            Assert.Equal((12, 0), (stored.Places.Nodes, stored.Places.Reserved));
        }
    }

    [Fact]
    public async Task Record_IsRefusedByTheStore_WhenAnotherActivationTookOver()
    {
        var grain = NewGrain();
        Exception? lost = null;
        var (displaced, stale) = await OpenAsync(grain, Storage, fault => lost = fault);
        await ReserveAsync(stale, "before");

        var (_, current) = await OpenAsync(grain, Storage);
        await Assert.ThrowsAsync<PlacementUnavailableException>(() => ReserveAsync(stale, "split"));
        await ReserveAsync(current, "after");

        Assert.NotNull(lost);
        Assert.Throws<PlacementUnavailableException>(() => { _ = displaced.Record(new PlacementChange.NodeForgotten("before")); });
        var (next, _) = await OpenAsync(grain, Storage);
        Assert.Equal(["after", "before"], next.Places.AllNodes().Select(node => node.Identity).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task OpenAsync_KnowsTheLeaderTheStateAndWhoIsGone_FromTheJournalAndFromTheHead()
    {
        var grain = NewGrain();
        var (stored, first) = await OpenAsync(grain, Storage);
        await first.Answer(Leader with { Epoch = 4 }, new OverlayCall.SetState(OverlayState.Draining, "plan drain-1"));
        await first.Remove("gone", isGone: true);

        for (var opened = 0; opened < 2; opened++)
        {
            var (next, places) = await OpenAsync(grain, Storage);
            Assert.Equal(
                (OverlayState.Draining, "plan drain-1", 4L), (next.Places.State, next.Places.Reason, next.Places.Leader.Epoch));
            Assert.True(next.Places.Node("gone")!.IsGone);
            Assert.Equal(4, (await places.Answer(Leader with { Epoch = 3 }, new OverlayCall.List(PlacesCursor.Start))).Leader.Epoch);
            await CompactAsync(next);
        }
    }

    [Fact]
    public async Task OpenAsync_RestoresFiftyThousandNodes_InBoundedTime()
    {
        var grain = NewGrain();
        var (first, _) = await OpenAsync(grain, Storage);
        await InTurns(async () =>
        {
            for (var i = 0; i < 50_000; i++)
            {
                _ = first.Record(new PlacementChange.NodeChanged(PlacedNode.New($"n{i}.example.net") with { Home = "a" }));
            }

            await first.Written;
        });
        var began = Stopwatch.GetTimestamp();
        var (next, places) = await OpenAsync(grain, Storage);

        Assert.Equal(50_000, next.Places.Nodes);

        // Read node by node it would take minutes; how fast it is, the benchmark tells.
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 60);

        // All of them are listed, a page at a time.
        var (listed, cursor, pages) = (new HashSet<string>(StringComparer.Ordinal), PlacesCursor.Start, 0);
        PlacesPage page;
        do
        {
            page = (await places.Answer(Leader, new OverlayCall.List(cursor))).Listed!;
            Assert.Equal(pages++ == 0, page.IsFirst);
            listed.UnionWith(page.Nodes.Select(node => node.Identity));
            cursor = page.Next;
        }
        while (!page.IsLast);
        Assert.Equal(50_000, listed.Count);
    }

    // More changes than one journal keeps, of a node that leaves no trace.
    private static Task CompactAsync(StoredPlaces stored) => InTurns(async () =>
    {
        for (var i = 0; i <= PlacementJournal.EntriesMax; i++)
        {
            _ = stored.Record(new PlacementChange.NodeForgotten("nobody"));
            await (i % 50_000 == 0 ? stored.Written : Task.CompletedTask);
        }

        await stored.Written;
    });

    // One thing at a time, as in a turn of the grain: what is written gathers without a lock.
    private static Task InTurns(Func<Task> run) => Task.Factory.StartNew(
        run,
        TestContext.Current.CancellationToken,
        TaskCreationOptions.None,
        new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler).Unwrap();

    private IGrainStorage Storage => services.GetRequiredKeyedService<IGrainStorage>(Stores.Fleet);

    private GrainId NewGrain() => GrainId.Create("overlay-placement", $"test/{Interlocked.Increment(ref overlays)}");

    private async Task<(StoredPlaces Stored, OverlayPlacement Places)> OpenAsync(
        GrainId grain, IGrainStorage storage, Action<Exception>? onLost = null)
    {
        var stored = new StoredPlaces(
            "a", storage, grain, services.GetRequiredService<Serializer>(), TimeProvider.System, onLost ?? (_ => { }));
        await stored.OpenAsync();
        return (stored, new OverlayPlacement(stored, () => Options, _ => Task.CompletedTask));
    }

    private static async Task<string?> ReserveAsync(OverlayPlacement places, string identity)
    {
        var node = PlacedNode.New(identity) with { Held = new Reservation("a", default, false, null) { IsTaken = true } };
        return (await places.Answer(Leader, new OverlayCall.Reserve([node]))).Reserved![0].Refusal;
    }
}
