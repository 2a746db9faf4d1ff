using ControlPlane.Adapters.Fleet;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Health;

/// <summary>Ready when every stream of lifecycle events exists and somebody of the cluster reads it.</summary>
internal sealed class StreamsCheck(IOptions<FleetOptions> fleet, IServiceProvider services) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var streams = FleetNetworks.Of(fleet.Value).Where(network => network.Options.StreamName.Length > 0);
        var faults = await Task.WhenAll(
            streams.Select(network => FaultOfAsync(network.Name, network.Options.StreamName, cancellationToken)));
        var unread = faults.OfType<string>().ToList();
        return unread.Count > 0
            ? HealthCheckResult.Unhealthy(string.Join("; ", unread))
            : HealthCheckResult.Healthy($"{faults.Length} are read");
    }

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
