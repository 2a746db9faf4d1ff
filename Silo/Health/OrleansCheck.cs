using ControlPlane.Nodes;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Orleans.Runtime;

namespace ControlPlane.Health;

/// <summary>Ready when the cluster counts this silo as active and a grain answers.</summary>
internal sealed class OrleansCheck(ISiloStatusOracle silos, IGrainFactory grains) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (silos.CurrentStatus != SiloStatus.Active)
        {
            return HealthCheckResult.Unhealthy($"the silo is {silos.CurrentStatus}");
        }

        try
        {
            await grains.GetSlice(0).CountStages().WaitAsync(Readiness.Patience, cancellationToken);
        }
        catch (Exception away) when (away is TimeoutException or OrleansException)
        {
            return HealthCheckResult.Unhealthy($"the silo is active and its grains do not answer: {away.Message}");
        }

        var active = silos.GetApproximateSiloStatuses(onlyActive: true).Count;
        return HealthCheckResult.Healthy($"active, {active} silo{(active == 1 ? "" : "s")} in the cluster");
    }
}
