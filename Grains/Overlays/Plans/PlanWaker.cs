using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Overlays.Plans;

/// <summary>Has the region's placement activated, so that a plan goes on after the silo that ran it ended.</summary>
internal sealed partial class PlanWaker(
    IGrainFactory grains, IOptions<OverlaysOptions> overlays, TimeProvider time, ILogger<PlanWaker> logger) : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var rounds = new PeriodicTimer(Round, time);
        while (await rounds.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await grains.GetGrain<IPlacementPlanGrain>(overlays.Value.Region).Wake();
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                // The top of a loop that must go on: the next round tries again.
                LogNotAwake(fault);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The region's placement could not be woken; trying again")]
    private partial void LogNotAwake(Exception fault);
}
