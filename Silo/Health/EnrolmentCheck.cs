using ControlPlane.Enrolment;
using ControlPlane.Placement;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace ControlPlane.Health;

/// <summary>Degraded while the brake stops nodes from enrolling: the silo serves, and an operator must look.</summary>
internal sealed class EnrolmentCheck(IGrainFactory grains, IOptions<OverlaysOptions> overlays) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        EnrolmentControl?[] controls;
        try
        {
            controls = await Task.WhenAll(
                overlays.Value.Members.Keys.Select(overlay => grains.GetGrain<IEnrolmentControlGrain>(overlay).Get()))
                .WaitAsync(Readiness.Patience, cancellationToken);
        }
        catch (Exception away) when (away is TimeoutException or Orleans.Runtime.OrleansException)
        {
            return HealthCheckResult.Unhealthy($"nobody can say whether nodes may enrol: {away.Message}");
        }

        var braked = controls.OfType<EnrolmentControl>().Where(control => control.Brake is not null).ToList();
        var paused = controls.Count(control => control?.Pause is not null);
        return braked.Count > 0
            ? HealthCheckResult.Degraded(
                string.Join("; ", braked.Select(control => $"the brake of {control.Overlay} is on: {control.Brake?.Reason}")))
            : HealthCheckResult.Healthy(paused > 0 ? $"paused by operators in {paused} of {controls.Length} overlays" : "open");
    }
}
