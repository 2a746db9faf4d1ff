using System.Collections.Concurrent;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Fleet;

/// <summary>The silo's subscriptions for replies: one for each connection and collective, which all calls share.</summary>
internal sealed class ReplyInboxes(FleetConnections connections, RegionCaller caller, Loops loops, ILogger<ReplyInboxes> logger)
    : IAsyncDisposable
{
    private readonly ConcurrentDictionary<(string Network, string Collective), Lazy<ReplyInbox[]>> inboxes = new();

    /// <summary>Whether this silo has connections to call a network's nodes, up or not.</summary>
    public bool Reaches(string network) => connections.OfNodes(network).Count > 0;

    /// <inheritdoc cref="FleetConnections.HeardForAsync"/>
    public Task<TimeSpan> HeardForAsync(string network, CancellationToken cancellationToken) =>
        connections.HeardForAsync(network, cancellationToken);

    /// <summary>Always the same connection for one key, so that the requests to one node stay in order.</summary>
    /// <exception cref="NetworkUnavailableException">This silo does not call the network's nodes.</exception>
    public ReplyInbox Of(string network, string collective, string key)
    {
        var open = inboxes.GetOrAdd(
            (network, collective),
            named => new Lazy<ReplyInbox[]>(() =>
            [
                .. connections.OfNodes(named.Network)
                    .Select(connection => new ReplyInbox(connection, named.Collective, caller.Id, loops, logger))
            ])).Value;
        return open.Length > 0
            ? open[StableHash.Bucket(key, open.Length)]
            : throw new NetworkUnavailableException(network == FleetStreams.ProvisioningNetwork
                ? "this silo is on no network of unprovisioned nodes (Fleet:Provisioning); it calls them through another overlay's silos"
                : $"this silo calls no nodes of '{network}': another overlay's silos serve them, or Fleet:Overlays does not name it");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var inbox in inboxes.Values.Where(inbox => inbox.IsValueCreated).SelectMany(inbox => inbox.Value))
        {
            await inbox.DisposeAsync();
        }
    }
}
