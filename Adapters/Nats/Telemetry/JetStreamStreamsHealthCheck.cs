using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Adapters.Nats;

/// <summary>Says what <see cref="JetStreamStreamsHealth"/> says, in the words of ASP.NET's health checks.</summary>
internal sealed class JetStreamStreamsHealthCheck(JetStreamStreamsHealth streams) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var notReady = streams.NotReady;
        return Task.FromResult(
            notReady.Count > 0
                ? new HealthCheckResult(context.Registration.FailureStatus, string.Join("; ", notReady))
                : HealthCheckResult.Healthy($"{streams.Queues.Count} queues of this silo are read"));
    }
}
