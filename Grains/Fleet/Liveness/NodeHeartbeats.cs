using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>What a partition remembers of one node's signs of life. Soft, and small: there is one for every node.</summary>
internal sealed class NodeHeartbeats(string identity)
{
    public string Identity => identity;

    /// <summary>What was announced last.</summary>
    public NodeLiveness State { get; set; }

    /// <summary>When it was heard last, on the partition's own clock, which stops while it cannot hear.</summary>
    public TimeSpan HeardAt { get; set; }

    /// <summary>When it returned, on the same clock.</summary>
    public TimeSpan ReturnedAt { get; set; }

    /// <summary>When the broker stored its last sign of life, in Unix seconds.</summary>
    public long StoredAt { get; set; }

    /// <summary>The last lifecycle event's sequence.</summary>
    public ulong Sequence { get; set; }

    /// <summary>The process that says it is alive, and the one before it.</summary>
    public ProcessTrail Processes { get; set; }

    /// <summary>A digest of the key, the machine and the standing that the node's grain was told of; 0 when it was told of none.</summary>
    public ulong Sighting { get; set; }

    /// <summary>The tick for which it is in the wheel; 0 when it is not.</summary>
    public long Tick { get; set; }

    /// <summary>Whether it waits to be announced.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Whether it was forgotten; what the wheel still holds of it counts no more.</summary>
    public bool IsForgotten { get; set; }
}

/// <summary>The processes that spoke for an identity, by the ids of their alive events, which a process repeats unchanged.</summary>
/// <param name="Current">A digest of the id of the process that was heard last; 0 before the first.</param>
/// <param name="Former">That of the one before.</param>
/// <param name="CurrentSince">When the current one started, in Unix seconds, as it says itself.</param>
/// <param name="FormerSince">When the former one started.</param>
internal readonly record struct ProcessTrail(ulong Current, ulong Former, long CurrentSince, long FormerSince)
{
    /// <summary>What is known after a process was heard.</summary>
    /// <param name="process">The digest of its id.</param>
    /// <param name="startedAt">When it started, in Unix seconds.</param>
    /// <param name="areTwo">
    /// Whether a process spoke again that another had replaced. A process that ended does not, whatever the clocks of its machine say: two
    /// run.
    /// </param>
    public ProcessTrail After(ulong process, long startedAt, out bool areTwo)
    {
        areTwo = process == Former && process != Current && Former != 0;
        return process == Current ? this : new ProcessTrail(process, Current, startedAt, CurrentSince);
    }
}
