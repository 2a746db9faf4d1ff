namespace ControlPlane.Fleet;

/// <summary>Looks for nodes in provisioning mode at regular times: the net under events that were missed.</summary>
/// <remarks>Key: the overlay's name, so that one silo sweeps for all.</remarks>
[Alias("ControlPlane.IDiscoverySweepGrain")]
internal interface IDiscoverySweepGrain : IGrainWithStringKey
{
    /// <summary>Keeps it awake and sweeping; called by each silo. Safe to repeat.</summary>
    [Alias("Wake")]
    Task Wake();
}
