using ControlPlane.Adapters.Fleet;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Health;

/// <summary>Ready when the brokers of every network answer.</summary>
internal sealed class NatsCheck(IOptions<FleetOptions> fleet, IServiceProvider services) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var faults = await Task.WhenAll(FleetNetworks.Of(fleet.Value).Select(network => FaultOfAsync(network.Name, cancellationToken)));
        var silent = faults.OfType<string>().ToList();
        return silent.Count > 0
            ? HealthCheckResult.Unhealthy(string.Join("; ", silent))
            : HealthCheckResult.Healthy($"{faults.Length} networks answer");
    }

    private async Task<string?> FaultOfAsync(string network, CancellationToken cancellationToken)
    {
        try
        {
            // By itself a ping waits for a connection that is lost; the check's own patience ends it.
            await services.GetRequiredKeyedService<INatsConnection>(network).PingAsync(cancellationToken);
            return null;
        }
        catch (Exception away) when (away is NatsException or OperationCanceledException)
        {
            return $"{network}: {(away is OperationCanceledException ? "not connected" : away.Message)}";
        }
    }
}
