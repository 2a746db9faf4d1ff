using ControlPlane.Certificates;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Health;

/// <summary>Ready when every certificate authority could issue now.</summary>
internal sealed class IssuersCheck(GuardedIssuers issuers) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var checks = await issuers.CheckAsync(cancellationToken);
        var sick = checks.Where(check => !check.Health.Healthy).Select(check => $"{check.Issuer}: {check.Health.Detail}").ToList();
        return checks switch
        {
            [] => HealthCheckResult.Unhealthy("no certificate authority is configured"),
            _ when sick.Count > 0 => HealthCheckResult.Unhealthy(string.Join("; ", sick)),
            _ => HealthCheckResult.Healthy($"{checks.Count} can issue"),
        };
    }
}
