using ControlPlane.Adapters.Fleet;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Health;

/// <summary>
/// Ready when the brokers of every network with nodes answer; degraded while they do not permit all that is configured, or another site
/// cannot be reached.
/// </summary>
internal sealed class NatsCheck(FleetBrokersHealth brokers) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var faults = await Task.WhenAll(brokers.Networks.Select(network => brokers.FaultOfAsync(network, cancellationToken)));
        var silent = faults.OfType<string>().ToList();
        var missing = brokers.Networks.Concat(brokers.Links).Select(brokers.MissingOf).OfType<string>().ToList();
        List<string> impaired =
        [
            .. brokers.Links.Select(brokers.OutageOf).OfType<string>(),
            .. missing.Count > 0 ? [$"the brokers do not permit all that is configured: {string.Join("; ", missing)}"] : Array.Empty<string>(),
        ];
        return silent.Count > 0 ? HealthCheckResult.Unhealthy(string.Join("; ", silent))
            : impaired.Count > 0 ? HealthCheckResult.Degraded(string.Join("; ", impaired))
            : HealthCheckResult.Healthy($"{faults.Length} network{(faults.Length == 1 ? " answers" : "s answer")}");
    }
}
