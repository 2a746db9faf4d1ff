using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Placement.Plans;

/// <summary>Has the region's placement activated, so that a plan goes on after the silo that ran it ended.</summary>
internal sealed class PlanWaker(IGrainFactory grains, IOptions<OverlaysOptions> overlays, Loops loops) : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(15);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => loops.RunAsync(
        "plan waker",
        Round,
        isDueAtOnce: false,
        _ => grains.GetGrain<IPlacementPlanGrain>(overlays.Value.Region).Wake(),
        stoppingToken);
}
