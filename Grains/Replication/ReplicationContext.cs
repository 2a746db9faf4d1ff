using ControlPlane.Flow;

namespace ControlPlane.Replication;

/// <summary>What the links of a silo have in common.</summary>
internal sealed class ReplicationContext(IStreamReplication replication, ReplicationMeter meter, Loops loops, TimeProvider time)
{
    public IStreamReplication Replication => replication;

    public ReplicationMeter Meter => meter;

    public Loops Loops => loops;

    public TimeProvider Time => time;

    /// <summary>What waits are spread by.</summary>
    public Random Jitter { get; } = new();
}
