using ControlPlane.Access.Policies;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Health;

/// <summary>Degraded while the access policy as it is written is not the one in force: the silo serves, and somebody must look.</summary>
internal sealed class AccessPolicyCheck(IPolicySource source) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(source.Faults is { Count: > 0 } faults
            ? HealthCheckResult.Degraded($"the last good access policy is in force, since the file has faults: {string.Join("; ", faults)}")
            : HealthCheckResult.Healthy(source.Current switch
            {
                null => "there is no access policy",
                { IsDryRun: true } policy => $"the access policy {policy.Version} is tried out, and denies nothing",
                var policy => $"the access policy {policy.Version} is in force",
            }));
}
