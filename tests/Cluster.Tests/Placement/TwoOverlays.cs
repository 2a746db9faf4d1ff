using System.Collections.Concurrent;
using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using ControlPlane.Sites;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>Two overlays of one region, each a cluster of its own; a is the leader. The wire between them can be cut.</summary>
public sealed class TwoOverlays : IAsyncLifetime
{
    public const int HardLimit = 10;

    private readonly Dictionary<string, InProcessTestCluster> clusters = [];

    internal DirectLink Link { get; } = new();

    internal ShiftedTime Time { get; } = new();

    /// <summary>The nodes' grains.</summary>
    internal FakeNodes Nodes { get; } = new();

    public async ValueTask InitializeAsync()
    {
        foreach (var local in new[] { "a", "b" })
        {
            var builder = new InProcessTestClusterBuilder(1);
            builder.ConfigureSilo((_, silo) =>
            {
                silo.AddMemoryGrainStorage(Stores.Fleet, storage => storage.Configure<Serializer>(
                    (options, serializer) => options.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer)));
                silo.Services.AddSingleton<TimeProvider>(Time);
                silo.Services.AddSingleton<ISiteLink>(Link.From(local));
                silo.Services.AddSingleton(services => Nodes.SitesOf(services));
                silo.Services.AddSingleton(services => Nodes.ChannelOf(services));
                silo.AddOverlayPlacement();
                silo.AddPlanJobs(Nodes);
                silo.Services.Configure<OverlaysOptions>(options =>
                {
                    (options.Region, options.Local, options.Leader) = ("test", local, "a");
                    foreach (var name in new[] { "a", "b" })
                    {
                        options.Members[name] =
                            new OverlayOptions { Brokers = ["nats://127.0.0.1:4222"], HardLimit = HardLimit, SoftLimit = HardLimit };
                    }
                });
            });
            clusters[local] = builder.Build();
            await clusters[local].DeployAsync();
            Link.Sites[local] = Services(local);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in clusters.Values)
        {
            await cluster.StopAllSilosAsync();
            await cluster.DisposeAsync();
        }
    }

    internal T Grain<T>(string site)
        where T : IGrainWithStringKey => clusters[site].Client.GetGrain<T>("test");

    internal IInternalPlacementGrain Region(string site) => Grain<IInternalPlacementGrain>(site);

    /// <summary>The owner of an overlay's places.</summary>
    internal IOverlayPlacementGrain Owner(string overlay) => clusters[overlay].Client.GetOverlay("test", overlay);

    /// <summary>The region's placement as enrolments of an overlay see it.</summary>
    internal PlacementClient In(string overlay) => Services(overlay).GetRequiredService<PlacementClient>();

    internal async Task<OverlaySnapshot> OverlayAsync(string at, string overlay) =>
        (await Region(at).ListOverlays()).Single(one => one.Name == overlay);

    internal async Task<(int Nodes, int Reserved)> CountAsync(string at, string overlay)
    {
        var snapshot = await OverlayAsync(at, overlay);
        return (snapshot.Nodes, snapshot.Reserved);
    }

    /// <summary>What the owner itself says, whoever leads.</summary>
    internal async Task<(int Nodes, int Reserved)> OwnCountAsync(string overlay)
    {
        var leader = await Region(overlay).Get();
        var answer = await Owner(overlay).Answer(new LeaderEpoch(leader.Leader, leader.Epoch), new OverlayCall.List(PlacesCursor.Start));
        return (answer.Header.Nodes, answer.Header.Reserved);
    }

    internal async Task UntilCountAsync(string at, string overlay, (int Nodes, int Reserved) count)
    {
        (int Nodes, int Reserved)? last = null;
        await Readiness.UntilAsync(
            async _ => (last = await CountAsync(at, overlay)) == count,
            $"{at} counts {count} in {overlay}",
            TestContext.Current.CancellationToken,
            () => $"{last}");
    }

    /// <summary>Waits for what rounds bring about; a follower greets the leader in each.</summary>
    internal Task UntilAsync(Func<Task<bool>> condition, string what) => Readiness.UntilAsync(
        async _ =>
        {
            Time.Advance(TimeSpan.FromSeconds(5));
            return await condition();
        },
        what,
        TestContext.Current.CancellationToken);

    private IServiceProvider Services(string overlay) => clusters[overlay].GetSiloServiceProvider(clusters[overlay].Silos[0].SiloAddress);
}

/// <summary>The link without a wire: a call of the other site's channel, unless it is cut.</summary>
internal sealed class DirectLink
{
    public ConcurrentDictionary<string, IServiceProvider> Sites { get; } = new(StringComparer.Ordinal);

    public bool IsCut { get; set; }

    /// <summary>A site whose questions do not get through, though it is reached.</summary>
    public string? Mute { get; set; }

    public ISiteLink From(string site) => new End(this, site);

    private sealed class End(DirectLink link, string from) : ISiteLink
    {
        public async Task<byte[]> AskAsync(
            string site, string channel, byte[] question, TimeSpan patience, CancellationToken cancellationToken)
        {
            if (link.IsCut || link.Mute == from || !link.Sites.TryGetValue(site, out var services))
            {
                throw new SiteUnreachableException($"{site} does not answer");
            }

            try
            {
                // Not in the turn of the grain that asks: it is of another cluster.
                var asked = services.GetServices<ISiteChannel>().Single(one => one.Name == channel);
                Task<Task<byte[]>> answer;
                using (ExecutionContext.SuppressFlow())
                {
                    answer = Task.Factory.StartNew(
                        () => asked.AnswerAsync(from, question, cancellationToken),
                        cancellationToken,
                        TaskCreationOptions.None,
                        TaskScheduler.Default);
                }

                return await (await answer);
            }
            catch (Exception fault)
            {
                throw new SiteUnreachableException($"{site} does not answer", fault);
            }
        }
    }
}
