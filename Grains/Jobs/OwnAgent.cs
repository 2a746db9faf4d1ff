namespace ControlPlane.Jobs;

/// <summary>
/// The agent whose actions our own grains carry out, and no node: its DDL is among those that we bring along, its actions are a closed
/// list.
/// </summary>
internal static class OwnAgent
{
    public const string Name = JobAction.ControlPlaneAgent;

    /// <summary>Each target enrols anew; it has succeeded when it has arrived again.</summary>
    public const string Reprovision = JobAction.Reprovision;

    /// <summary>
    /// An enrolment takes longer than an action of Choria: what stands for <see cref="JobTimeouts.Execution"/> by default.
    /// </summary>
    public static readonly TimeSpan Execution = TimeSpan.FromMinutes(30);

    public static bool Runs(JobAction action) => action.Agent == Name;

    /// <summary>
    /// What is wrong with an action of this agent, besides what its DDL says; null when nothing is, and for other agents.
    /// </summary>
    public static string? FaultOrNull(JobAction action) => action switch
    {
        { Agent: not Name } => null,
        { Name: not Reprovision } => $"action.name: the agent {Name} has no action '{action.Name}', only {Reprovision}",
        { Status: not null } or { ExecutorId: not null } =>
            $"action: {Name}#{Reprovision} is followed by itself; leave out what to ask, and the executor",
        _ => null,
    };

    /// <summary>
    /// With what follows from an action of this agent: it does no harm twice, and has more time where none was said. A job of another
    /// agent is as it was.
    /// </summary>
    public static JobSpec Complete(JobSpec spec) => !Runs(spec.Action) ? spec : spec with
    {
        Action = spec.Action with { IsRepeatable = true },
        Timeouts = spec.Timeouts.Execution == JobTimeouts.Default.Execution ? spec.Timeouts with { Execution = Execution } : spec.Timeouts,
    };
}
