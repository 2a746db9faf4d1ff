using ControlPlane.Access;
using ControlPlane.Access.Policies;
using Microsoft.Extensions.Options;

namespace ControlPlane.Placement;

/// <summary>Says who made a plan, for policies by which somebody else must approve it.</summary>
internal sealed class PlanSubmissions(IGrainFactory grains, IOptions<OverlaysOptions> overlays) : ISubmissions
{
    public async Task<string?> FindSubmitterAsync(AccessRequest request, CancellationToken cancellationToken)
    {
        if (request.Plan is not { } plan)
        {
            return null;
        }

        var found = await grains.GetGrain<IPlacementPlanGrain>(overlays.Value.Region).ShowPlan(plan).WaitAsync(cancellationToken);
        return found?.Actor;
    }
}
