using ControlPlane.Adapters.Fleet;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Health;

/// <summary>Ready when the brokers of every network answer; degraded while they do not permit all that is configured.</summary>
internal sealed class NatsCheck(FleetBrokersHealth brokers) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var networks = brokers.Networks.ToList();
        var faults = await Task.WhenAll(networks.Select(network => brokers.FaultOfAsync(network, cancellationToken)));
        var silent = faults.OfType<string>().ToList();
        var missing = networks.Select(brokers.MissingOf).OfType<string>().ToList();
        return silent.Count > 0 ? HealthCheckResult.Unhealthy(string.Join("; ", silent))
            : missing.Count > 0 ? HealthCheckResult.Degraded($"the brokers do not permit all that is configured: {string.Join("; ", missing)}")
            : HealthCheckResult.Healthy($"{faults.Length} networks answer");
    }
}
