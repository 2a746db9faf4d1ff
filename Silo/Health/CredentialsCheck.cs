using ControlPlane.Adapters.Fleet;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Health;

/// <summary>Degraded while a credential that we show to brokers or nodes is about to end: the silo serves, and somebody must act.</summary>
internal sealed class CredentialsCheck(CredentialEnds credentials) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(credentials.Warnings() is { Count: > 0 } warnings
            ? HealthCheckResult.Degraded(string.Join("; ", warnings))
            : HealthCheckResult.Healthy($"none of {credentials.All().Count} ends within {CredentialEnds.WarningLead.TotalDays:0} days"));
}
