using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet;

/// <summary>How the silo's networks are doing, in words for an operator.</summary>
public sealed class FleetBrokersHealth
{
    private readonly FleetConnections connections;
    private readonly IOptions<FleetOptions> fleet;
    private readonly TimeProvider time;

    internal FleetBrokersHealth(FleetConnections connections, IOptions<FleetOptions> fleet, TimeProvider time) =>
        (this.connections, this.fleet, this.time) = (connections, fleet, time);

    /// <summary>The networks by name.</summary>
    public IEnumerable<string> Networks => fleet.Value.Overlays.Keys.Prepend(FleetStreams.ProvisioningNetwork);

    /// <summary>Why a network cannot be used, and for how long it could not; null when its brokers answer.</summary>
    /// <param name="network">The network's name.</param>
    /// <param name="cancellationToken">Ends the waiting for the brokers' answer.</param>
    public async Task<string?> FaultOfAsync(string network, CancellationToken cancellationToken)
    {
        if (connections.FaultsOf(network).ToList() is { Count: > 0 } faults)
        {
            return string.Join("; ", faults.Select(fault => $"{network}: not connected for {Age(fault)}: {fault.Reason}"));
        }

        try
        {
            await Task.WhenAll(connections.Of(network).Select(connection => connection.PingAsync(cancellationToken).AsTask()));
            return null;
        }
        catch (Exception away) when (away is NatsException or OperationCanceledException)
        {
            return connections.FaultsOf(network).FirstOrDefault() is { } fault
                ? $"{network}: not connected for {Age(fault)}: {fault.Reason}"
                : $"{network}: its brokers do not answer";
        }
    }

    /// <summary>What the brokers of a network do not permit and something that is configured needs; null when all is permitted.</summary>
    public string? MissingOf(string network) =>
        connections.MissingOf(network) is { Count: > 0 } missing ? $"{network}: {NeededSubjects.Describe(missing)}" : null;

    private string Age(BrokerFault fault) => TimeSpan.FromSeconds(Math.Floor((time.GetUtcNow() - fault.Since).TotalSeconds)).ToString("c");
}
