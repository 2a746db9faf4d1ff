using System.Collections.Concurrent;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using ControlPlane.Sites;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>What grains of nodes are told, and where the nodes have arrived since, as the test says.</summary>
internal sealed class FakeNodes
{
    private readonly ConcurrentDictionary<(string Identity, string Attempt), string?> told = new();

    /// <summary>Who moved away, from where and to where.</summary>
    public ConcurrentQueue<(string Identity, string From, string To)> Moved { get; } = new();

    /// <summary>Nodes that were told to enrol anew, once for each attempt of a job.</summary>
    public ConcurrentQueue<(string Identity, string Attempt)> Reprovisioned { get; } = new();

    /// <summary>Nodes that a job told, and that have not arrived since.</summary>
    public string[] OnTheirWay(string job) =>
    [
        .. told.Where(one => one.Value is null && one.Key.Attempt.StartsWith($"{job}/", StringComparison.Ordinal))
            .Select(one => one.Key.Identity),
    ];

    /// <summary>A node has enrolled.</summary>
    public void Arrive(string identity, string overlay)
    {
        foreach (var one in told.Keys.Where(one => one.Identity == identity))
        {
            told.TryUpdate(one, overlay, null);
        }
    }

    public NodeSites SitesOf(IServiceProvider services) => new(
        FactoryOf(services), services.GetRequiredService<ISiteLink>(), services.GetRequiredService<IOptionsMonitor<OverlaysOptions>>());

    public ISiteChannel ChannelOf(IServiceProvider services) => new NodeChannel(
        FactoryOf(services), null!, services.GetRequiredService<NodeSites>());

    public IGrainFactory FactoryOf(IServiceProvider services)
    {
        var grains = services.GetRequiredService<IGrainFactory>();
        return Stand.InForGrains((contract, key) => contract switch
        {
            _ when contract == typeof(IOverlayPlacementGrain) => grains.GetGrain<IOverlayPlacementGrain>((string)key),
            _ when contract == typeof(IInternalPlacementGrain) => grains.GetGrain<IInternalPlacementGrain>((string)key),
            _ => GrainOf((string)key),
        });
    }

    private IInternalNodeGrain GrainOf(string identity) => Stand.In<IInternalNodeGrain>(new()
    {
        [nameof(IInternalNodeGrain.MoveAway)] = arguments =>
        {
            Moved.Enqueue((identity, (string)arguments[0]!, (string)arguments[1]!));
            return Task.CompletedTask;
        },
        [nameof(IInternalNodeGrain.ReprovisionForJob)] = arguments =>
        {
            if (told.TryAdd((identity, (string)arguments[0]!), null))
            {
                Reprovisioned.Enqueue((identity, (string)arguments[0]!));
            }

            return Find(identity, (string)arguments[0]!);
        },
        [nameof(IInternalNodeGrain.FindReprovision)] = arguments => Find(identity, (string)arguments[0]!),
    });

    private Task<ReprovisionStatus> Find(string identity, string attempt) => Task.FromResult(
        !told.TryGetValue((identity, attempt), out var overlay) ? new ReprovisionStatus(ReprovisionState.NotAsked)
        : overlay is null ? new ReprovisionStatus(ReprovisionState.UnderWay)
        : new ReprovisionStatus(ReprovisionState.Arrived) { Overlay = overlay });
}
