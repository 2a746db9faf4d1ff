namespace ControlPlane.Jobs;

/// <summary>The DDLs of agents: those of a folder first, then those that we bring along, then the registry's. Thread-safe.</summary>
public interface IAgentDdls
{
    /// <summary>The DDL of an agent; null when nobody knows it, or the registry does not answer. Repeatable.</summary>
    Task<AgentDdl?> FindAsync(string agent, CancellationToken cancellationToken);

    /// <summary>What is wrong with the folder's files: each names the file and the field. Those are not used, the others are.</summary>
    IReadOnlyList<string> Faults { get; }
}
