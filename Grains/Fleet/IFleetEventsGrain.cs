using Orleans.Concurrency;

namespace ControlPlane.Fleet;

/// <summary>Hands the fleet events of one partition to the grains of the nodes they are about, in order per node.</summary>
/// <remarks>
/// Key: the partition number in decimal. It subscribes by itself (implicit subscription to <see cref="FleetStreams.Namespace"/>);
/// nobody needs to call it for events to flow. After a silo died, only a call or an event brings it back.
/// </remarks>
[Alias("ControlPlane.IFleetEventsGrain")]
internal interface IFleetEventsGrain : IGrainWithStringKey
{
    /// <summary>Sees that the partition is there, and notices who falls silent, though nobody speaks. Safe to repeat.</summary>
    [Alias("Wake"), AlwaysInterleave]
    Task Wake();
}
