using ControlPlane.Overlays;
using ControlPlane.Provisioning;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Fleet;

/// <summary>Wakes the grains that tick for all nodes, so that work a dead silo held is taken over within one round.</summary>
internal sealed partial class FleetWaker(
    IGrainFactory grains, IOptions<OverlaysOptions> overlays, ProvisioningMeter meter, TimeProvider time, ILogger<FleetWaker> logger)
    : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var rounds = new PeriodicTimer(Round, time);
        do
        {
            try
            {
                await Task.WhenAll(Enumerable.Range(0, FleetRoster.Shards)
                    .Select(shard => grains.GetGrain<IFleetRosterGrain>(shard).Wake())
                    .Concat(Enumerable.Range(0, FleetStreams.Partitions)
                        .Select(partition => grains.GetGrain<IFleetEventsGrain>($"{partition}").Wake()))
                    .Append(grains.GetGrain<IDiscoverySweepGrain>(overlays.Value.Local).Wake()));
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                // The top of a loop that must go on: a silo that just died takes its slices along for a round.
                meter.RosterAsleep();
                LogNotAwake(fault);
            }
        }
        while (await rounds.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(LogLevel.Warning, "Not all of the fleet's slices could be woken; trying again")]
    private partial void LogNotAwake(Exception fault);
}
