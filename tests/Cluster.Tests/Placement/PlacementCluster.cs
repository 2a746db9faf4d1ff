using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>One silo that holds placement and nothing else, on memory storage and a clock that tests move.</summary>
public sealed class PlacementCluster : IAsyncLifetime
{
    public const int HardLimit = 50;

    private InProcessTestCluster cluster = null!;
    private int regions;

    internal ShiftedTime Time { get; } = new();

    internal FakeDecider Decider { get; } = new();

    internal FakeNodes Nodes { get; } = new();

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddMemoryGrainStorage(Stores.Fleet, storage => storage.Configure<Serializer>(
                (options, serializer) => options.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer)));
            silo.Services.AddSingleton(services => Nodes.SitesOf(services));
            silo.AddOverlayPlacement();
            silo.Services.AddSingleton<TimeProvider>(Time);
            silo.AddPlanJobs(Nodes);
            silo.Services.AddSingleton<IExternalDecider>(Decider);
            silo.Services.Configure<OverlaysOptions>(options =>
            {
                options.Region = "test";
                options.Local = "a";
                foreach (var name in new[] { "a", "b", "c" })
                {
                    options.Members[name] = new OverlayOptions
                    {
                        Brokers = ["nats://127.0.0.1:4222"], HardLimit = HardLimit, SoftLimit = HardLimit, ServedBy = "a",
                    };
                }
            });
        });
        cluster = builder.Build();
        await cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await cluster.StopAllSilosAsync();
        await cluster.DisposeAsync();
    }

    /// <summary>A region that no other test uses.</summary>
    internal string NewRegion() => $"region-{Interlocked.Increment(ref regions)}";

    internal IGrainFactory Client => cluster.Client;

    internal IInternalPlacementGrain Region() => Grain<IInternalPlacementGrain>(NewRegion());

    /// <summary>What enrolments ask of a region's placement.</summary>
    internal Enrolments In(string region) => new(cluster.Client, region);

    internal T Grain<T>(string region)
        where T : IGrainWithStringKey => cluster.Client.GetGrain<T>(region);

    /// <summary>Ends all idle activations: the next call restores from the store.</summary>
    internal Task DeactivateAll() => cluster.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
}

/// <summary>The region chooses, and the overlay that it chose is confirmed or given back.</summary>
internal sealed class Enrolments(IGrainFactory grains, string region)
{
    public IInternalPlacementGrain Region => grains.GetGrain<IInternalPlacementGrain>(region);

    public IOverlayPlacementGrain Owner(string overlay) => grains.GetOverlay(region, overlay);

    public async Task<string> PlaceAsync(PlacementRequest request) =>
        Assert.IsType<PlacementOutcome.Placed>(await Region.Place(request)).Overlay;

    public async Task<string> EnrolAsync(PlacementRequest request)
    {
        var overlay = await PlaceAsync(request);
        Assert.Equal(Confirmation.Lives, await Owner(overlay).Confirm(request.Identity));
        return overlay;
    }

    /// <summary>What the region's copy counts, which is a moment behind the owners.</summary>
    public async Task<(int Nodes, int Reserved)> CountAsync()
    {
        var overlays = await Region.ListOverlays();
        return (overlays.Sum(overlay => overlay.Nodes), overlays.Sum(overlay => overlay.Reserved));
    }

    public Task UntilAsync(Func<(int Nodes, int Reserved), bool> condition, string what) => TestKit.Readiness.UntilAsync(
        async _ => condition(await CountAsync()), what, TestContext.Current.CancellationToken);

    public async Task UntilCountAsync(int nodes, int reserved)
    {
        (int, int)? last = null;
        await TestKit.Readiness.UntilAsync(
            async _ => (last = await CountAsync()) == (nodes, reserved),
            $"the region counts {nodes} nodes and {reserved} reservations",
            TestContext.Current.CancellationToken,
            () => $"{last}");
    }
}

/// <summary>The system's time, moved forward; timers go on in real time, which Orleans needs.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private TimeSpan shift;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + shift;

    public void Advance(TimeSpan by) => shift += by;
}
