using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Nodes;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>All that follows from one action: what the node holds then, what it publishes, what it answers, whether it goes.</summary>
/// <param name="Reply">Null when the node says nothing.</param>
internal sealed record Reaction(AgentReply? Reply)
{
    /// <summary>What is on the node's disk afterwards; null when that did not change.</summary>
    public NodeFiles? Files { get; init; }

    /// <summary>What is in the node's memory afterwards; null when that did not change.</summary>
    public NodeProcess? Process { get; init; }

    /// <summary>The lifecycle event that is published before the reply.</summary>
    public LifecycleKind? Event { get; init; }

    /// <summary>How long the action takes.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>How often it is answered.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Whether it is counted by its request.</summary>
    public bool IsExecution { get; init; }

    /// <summary>How the process ends because of the action.</summary>
    public Departure? Departure { get; init; }
}

/// <param name="StartsAgain">True for a restart, false for a shutdown.</param>
/// <param name="Delay">For how long the node still serves.</param>
internal sealed record Departure(bool StartsAgain, TimeSpan Delay);
