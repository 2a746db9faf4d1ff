using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Health;

/// <summary>
/// Ready when this silo reads the queues that it has, somebody of the cluster reads every stream of lifecycle events, and the brokers keep
/// what we keep there.
/// </summary>
internal sealed class StreamsCheck(
    [FromKeyedServices(FleetStreams.Provider)] JetStreamStreamsHealth streams,
    OverlayStreamsTrial own,
    IOptions<FleetOptions> fleet,
    IOptions<OverlaysOptions> overlays,
    IServiceProvider services,
    TimeProvider time)
    : IHealthCheck
{
    private readonly RecentTrial trial = new(own.FindFaultAsync, time);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var networks = fleet.Value.NodeNetworks(overlays.Value).Where(network => network.Value.StreamName.Length > 0);
        var unread = await Task.WhenAll(
            networks.Select(network => FaultOfAsync(network.Key, network.Value.StreamName, cancellationToken)));
        List<string> faults = [.. streams.NotReady, .. unread.OfType<string>(), .. new[] { await trial.FaultAsync() }.OfType<string>()];
        return faults.Count > 0
            ? HealthCheckResult.Unhealthy(string.Join("; ", faults))
            : HealthCheckResult.Healthy($"{unread.Length} are read, {streams.Queues.Count} by this silo");
    }

    // The queues of other silos are theirs to tell of; that nobody has a queue is seen only at its stream.
    private async Task<string?> FaultOfAsync(string network, string name, CancellationToken cancellationToken)
    {
        try
        {
            var connection = services.GetRequiredKeyedService<INatsConnection>(network);
            var stream = await new NatsJSContext(connection).GetStreamAsync(name, cancellationToken: cancellationToken);
            return stream.Info.State.ConsumerCount > 0 ? null : $"{network}: nobody reads '{name}' yet";
        }
        catch (Exception away) when (away is NatsException or OperationCanceledException)
        {
            return $"{network}: '{name}': {(away is OperationCanceledException ? "not connected" : away.Message)}";
        }
    }
}
