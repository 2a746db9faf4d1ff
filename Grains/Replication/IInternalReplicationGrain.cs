namespace ControlPlane.Replication;

/// <summary>What silos tell a link.</summary>
[Alias("ControlPlane.IInternalReplicationGrain")]
internal interface IInternalReplicationGrain : IReplicationGrain
{
    /// <summary>Sees that it runs, after its silo ended.</summary>
    [Alias("Wake")]
    Task Wake();

    /// <summary>Keeps a checkpoint. From whoever copies for it, so that it takes its turn among what changes the state.</summary>
    [Alias("Keep")]
    Task Keep(string checkpoint);
}
