using ControlPlane.Access;
using Microsoft.Extensions.Options;

namespace ControlPlane.Placement.Plans;

/// <summary>Plans are approved; the region knows who made each.</summary>
internal sealed class PlanSubmitters(IGrainFactory grains, IOptions<OverlaysOptions> overlays) : ISubmitters
{
    // The region's grain is reentrant: it can be asked while it waits for whether it may be called.
    public async ValueTask<string?> FindAsync(AccessRequest request) => request.Plan is { } plan
        ? (await grains.GetGrain<IPlacementPlanGrain>(overlays.Value.Region).ShowPlan(plan))?.Actor
        : null;
}
