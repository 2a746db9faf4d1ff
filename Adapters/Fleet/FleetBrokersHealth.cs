using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet;

/// <summary>How the silo's networks are doing, in words for an operator.</summary>
public sealed class FleetBrokersHealth
{
    private readonly FleetConnections connections;
    private readonly TimeProvider time;

    internal FleetBrokersHealth(
        FleetConnections connections, IOptions<FleetOptions> fleet, IOptions<OverlaysOptions> overlays, TimeProvider time)
    {
        (this.connections, this.time) = (connections, time);
        Networks = [.. fleet.Value.NodeNetworks(overlays.Value).Select(network => network.Key)];
        Links = [.. fleet.Value.Links(overlays.Value).Select(network => network.Key)];
    }

    /// <summary>The networks on which nodes are, by name.</summary>
    public IReadOnlyList<string> Networks { get; }

    /// <summary>Those over which there is only the region's other sites: this one serves its nodes without them.</summary>
    public IReadOnlyList<string> Links { get; }

    /// <summary>Why a network cannot be used, and for how long it could not; null when its brokers answer.</summary>
    /// <param name="network">The network's name.</param>
    /// <param name="cancellationToken">Ends the waiting for the brokers' answer.</param>
    public async Task<string?> FaultOfAsync(string network, CancellationToken cancellationToken)
    {
        if (OutageOf(network) is { } outage)
        {
            return outage;
        }

        try
        {
            await Task.WhenAll(connections.Of(network).Select(connection => connection.PingAsync(cancellationToken).AsTask()));
            return null;
        }
        catch (Exception away) when (away is NatsException or OperationCanceledException)
        {
            return OutageOf(network) ?? $"{network}: its brokers do not answer";
        }
    }

    /// <summary>Why there is no connection to a network, and for how long there was none; null when there is one.</summary>
    public string? OutageOf(string network) => connections.FaultsOf(network).ToList() is { Count: > 0 } faults
        ? string.Join("; ", faults.Select(fault => $"{network}: not connected for {Age(fault)}: {fault.Reason}"))
        : null;

    /// <summary>What the brokers of a network do not permit and something that is configured needs; null when all is permitted.</summary>
    public string? MissingOf(string network) =>
        connections.MissingOf(network) is { Count: > 0 } missing ? $"{network}: {NeededSubjects.Describe(missing)}" : null;

    private string Age(BrokerFault fault) => TimeSpan.FromSeconds(Math.Floor((time.GetUtcNow() - fault.Since).TotalSeconds)).ToString("c");
}
