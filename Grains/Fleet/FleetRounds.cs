using ControlPlane.Nodes;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Fleet;

/// <summary>Wakes the grains that tick for all nodes, so that work a dead silo held is taken over within one round.</summary>
internal sealed class FleetRounds(IGrainFactory grains, IOptions<OverlaysOptions> overlays)
{
    // A silo that just died takes its slices along for a round.
    public Task WakeAsync() => Task.WhenAll(Enumerable.Range(0, FleetSlices.Count)
        .Select(slice => grains.GetGrain<IInternalFleetSliceGrain>(FleetSlices.KeyOf(slice)).Wake())
        .Append(grains.GetGrain<IDiscoverySweepGrain>(overlays.Value.Local).Wake()));
}
