using System.Collections.Concurrent;
using ControlPlane.Placement;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Orleans.TestingHost;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>Two overlays of one region, each a cluster of its own; a is the leader. The wire between them can be cut.</summary>
public sealed class TwoOverlays : IAsyncLifetime
{
    public const int HardLimit = 10;

    private readonly Dictionary<string, InProcessTestCluster> clusters = [];

    internal DirectLink Link { get; } = new();

    public async ValueTask InitializeAsync()
    {
        foreach (var local in new[] { "a", "b" })
        {
            var builder = new InProcessTestClusterBuilder(1);
            builder.ConfigureSilo((_, silo) =>
            {
                silo.AddMemoryGrainStorage(Stores.Fleet);
                silo.Services.AddSingleton<IPlacementLink>(Link.From(local));
                silo.AddOverlayPlacement();
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
            Link.Clusters[local] = clusters[local].Client;
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

    internal T Grain<T>(string overlay)
        where T : IGrainWithStringKey => clusters[overlay].Client.GetGrain<T>("test");

    /// <summary>The region's placement as enrolments of an overlay see it.</summary>
    internal PlacementClient In(string overlay) => Services(overlay).GetRequiredService<PlacementClient>();

    /// <summary>One round of an overlay's keeper.</summary>
    internal Task KeepAsync(string overlay) =>
        Services(overlay).GetRequiredService<OverlaySync>().KeepAsync(TestContext.Current.CancellationToken);

    private IServiceProvider Services(string overlay) => clusters[overlay].GetSiloServiceProvider(clusters[overlay].Silos[0].SiloAddress);
}

/// <summary>The link without a wire: a call to the other cluster, unless it is cut.</summary>
internal sealed class DirectLink
{
    public ConcurrentDictionary<string, IClusterClient> Clusters { get; } = new(StringComparer.Ordinal);

    public bool IsCut { get; set; }

    public IPlacementLink From(string overlay) => new End(this, overlay);

    private sealed class End(DirectLink link, string from) : IPlacementLink
    {
        public Task<LinkReply> AskAsync(string overlay, LinkRequest request, TimeSpan patience, CancellationToken cancellationToken)
        {
            Assert.Equal(from, request.From);
            return link.IsCut || !link.Clusters.TryGetValue(overlay, out var client)
                ? throw new LeaderUnreachableException($"{overlay} does not answer")
                : client.GetGrain<IInternalPlacementGrain>(request.Region).Answer(request);
        }
    }
}
