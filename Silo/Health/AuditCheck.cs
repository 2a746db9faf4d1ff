using ControlPlane.Access;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Health;

/// <summary>
/// Degraded while calls cannot be recorded, so that none that changes something is made, and while the break-glass switch is on. That
/// the brokers are away is said by their own check.
/// </summary>
internal sealed class AuditCheck(AuditStatus audit) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult((audit.IsGlassBroken, audit.Fault) switch
        {
            (true, { } fault) => HealthCheckResult.Degraded(
                $"break-glass: only this machine records calls, {audit.Backlog} records wait for the log: {fault}"),
            (true, null) => HealthCheckResult.Degraded("the break-glass switch is on, and calls are recorded: remove its file"),
            (false, { } fault) => HealthCheckResult.Degraded($"calls are refused because they cannot be recorded: {fault}"),
            _ => HealthCheckResult.Healthy("calls are recorded"),
        });
}
