namespace ControlPlane.Replication;

/// <summary>What is stored of a link. How far it is, its target says.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.ReplicationRecord")]
internal sealed record ReplicationRecord
{
    /// <summary>Who paused it, and why; null while it is not paused.</summary>
    [Id(0)]
    public string? PausedBecause { get; init; }

    /// <summary>What whoever copies wants to be told again; null before the first time.</summary>
    [Id(1)]
    public string? Checkpoint { get; init; }
}
