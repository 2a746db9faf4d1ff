using ControlPlane.Certificates;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Health;

/// <summary>Ready when every certificate authority could issue now.</summary>
internal sealed class IssuersCheck(IServiceProvider services) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        // Each is registered under its own name.
        var issuers = services.GetKeyedServices<ICertificateIssuer>(KeyedService.AnyKey);
        var checks = await Task.WhenAll(issuers.Select(async issuer => (issuer.Name, Health: await issuer.CheckAsync(cancellationToken))));
        var sick = checks.Where(check => !check.Health.Healthy).Select(check => $"{check.Name}: {check.Health.Detail}").ToList();
        return checks switch
        {
            [] => HealthCheckResult.Unhealthy("no certificate authority is configured"),
            _ when sick.Count > 0 => HealthCheckResult.Unhealthy(string.Join("; ", sick)),
            _ => HealthCheckResult.Healthy($"{checks.Length} can issue"),
        };
    }
}
