namespace ControlPlane.Fleet;

/// <summary>Hands the fleet events of one partition to the grains of the nodes they are about, in order per node.</summary>
/// <remarks>
/// Key: the partition number in decimal. It subscribes by itself (implicit subscription to <see cref="FleetStreams.Namespace"/>);
/// nobody needs to call it for events to flow.
/// </remarks>
[Alias("ControlPlane.IFleetEventsGrain")]
public interface IFleetEventsGrain : IGrainWithStringKey
{
    /// <summary>How many events the partition has handed over since this activation began. Safe to repeat.</summary>
    [Alias("CountDispatched")]
    Task<long> CountDispatched();
}
