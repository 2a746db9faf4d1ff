namespace ControlPlane.Jobs;

using ControlPlane.Access;
using ControlPlane.Nodes;

/// <summary>What a job is to do: one action on many nodes, and how carefully.</summary>
/// <param name="Action">What each node is to do.</param>
/// <param name="Targets">Which nodes.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobSpec")]
public sealed record JobSpec([property: Id(0)] JobAction Action, [property: Id(1)] JobTargets Targets) : IGivesReason, INamesAction
{
    string INamesAction.Agent => Action.Agent;

    string INamesAction.Action => Action.Name;

    IReadOnlyList<(string Agent, string Action)> INamesAction.AlsoActions => Action.StatusActions;

    string? INamesAction.Overlay => Targets.Overlays is [var one] ? one : null;

    int? INamesAction.TargetsMax => Targets.Max ?? (Targets.Identities.Count > 0 ? Targets.Identities.Count : null);

    /// <summary>Why, in the submitter's words; at most 200 characters. Policies may demand it.</summary>
    [Id(2)]
    public string Reason { get; init; } = "";

    /// <summary>What becomes of nodes that do not answer.</summary>
    [Id(3)]
    public JobMode Mode { get; init; } = JobMode.BestEffort;

    /// <summary>Whose targets are sent first when many jobs run.</summary>
    [Id(4)]
    public JobPriority Priority { get; init; } = JobPriority.Normal;

    /// <summary>In which parts, one after the other. One stage with all nodes by default; at most 20.</summary>
    [Id(5)]
    public IReadOnlyList<JobStage> Stages { get; init; } = [JobStage.All];

    /// <summary>At how many failures it stops. None by default; at most 20.</summary>
    [Id(6)]
    public IReadOnlyList<JobThreshold> Thresholds { get; init; } = [];

    /// <summary>How long it may take.</summary>
    [Id(7)]
    public JobTimeouts Timeouts { get; init; } = JobTimeouts.Default;

    /// <summary>Whether a target that failed is tried again.</summary>
    [Id(8)]
    public JobRetry Retry { get; init; } = JobRetry.None;

    /// <summary>What becomes of nodes that are not heard when their turn comes.</summary>
    [Id(9)]
    public JobOffline Offline { get; init; } = JobOffline.Try;

    /// <summary>When nodes may be worked on; at any time by default.</summary>
    [Id(10)]
    public JobWindow? Window { get; init; }

    /// <summary>Not before this; at once by default.</summary>
    [Id(11)]
    public DateTimeOffset? StartAt { get; init; }

    /// <summary>Not before these jobs of the same site have succeeded; at most 20. When one ends otherwise, this one ends too.</summary>
    [Id(12)]
    public IReadOnlyList<string> After { get; init; } = [];

    /// <summary>Whether somebody must approve it, whatever the settings say. False by default.</summary>
    [Id(13)]
    public bool RequiresApproval { get; init; }

    /// <summary>Who is told when its state changes; nobody by default.</summary>
    [Id(14)]
    public JobNotify? Notify { get; init; }
}

/// <summary>Who is told when a job's state changes, as CloudEvents; each event at least once, unless it is given up.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobNotify")]
public sealed record JobNotify
{
    /// <summary>Web hooks by the names that the site's settings give them; at most 10.</summary>
    [Id(0)]
    public IReadOnlyList<string> WebHooks { get; init; } = [];

    /// <summary>Whether they are published on NATS, on the brokers of the site's overlay. False by default.</summary>
    [Id(1)]
    public bool Nats { get; init; }
}

/// <summary>One action of one agent.</summary>
/// <param name="Agent">The agent, e.g. <c>puppet</c>.</param>
/// <param name="Name">Its action, e.g. <c>runonce</c>.</param>
/// <param name="InputsJson">
/// Its inputs: one JSON object. The agent's DDL says which there are; its defaults are filled in. The record of calls leaves them out,
/// since they may hold secrets.
/// </param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobAction")]
public sealed record JobAction(
    [property: Id(0)] string Agent, [property: Id(1)] string Name, [property: Id(2), Redact] string InputsJson = "{}")
{
    /// <summary>
    /// The agent whose actions the control plane carries out itself, and no node: <c>reprovision</c> has nodes enrol anew.
    /// </summary>
    public const string ControlPlaneAgent = "controlplane";

    /// <summary>The action of <see cref="ControlPlaneAgent"/> by which nodes enrol anew.</summary>
    public const string Reprovision = "reprovision";

    /// <summary>Whether it does no harm when a node is given it twice. Only then is it sent again to a node that did not answer.</summary>
    [Id(3)]
    public bool IsRepeatable { get; init; }

    /// <summary>
    /// Asked of a node that did not answer, before it is given up or sent again; null when there is nothing to ask. Its reply's status says
    /// how the action ended; <c>running: true</c> in its data says that it goes on.
    /// </summary>
    [Id(4)]
    public JobStatusAction? Status { get; init; }

    /// <summary>
    /// The name of the reply's data that is the id of a job of Choria's <c>executor</c>: the node is followed until that ends. Null for
    /// actions that have done their work when they reply.
    /// </summary>
    [Id(5)]
    public string? ExecutorId { get; init; }

    /// <summary>The actions by which nodes are asked how it stands. Who submits the job must be allowed each of them.</summary>
    public IReadOnlyList<(string Agent, string Action)> StatusActions =>
    [
        .. Status is null ? [] : new[] { (Status.Agent, Status.Name) },
        .. ExecutorId is null ? [] : new[] { (JobStatusAction.Executor.Agent, JobStatusAction.Executor.Name) },
    ];
}

/// <summary>An action that says how another stands.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobStatusAction")]
public sealed record JobStatusAction(
    [property: Id(0)] string Agent, [property: Id(1)] string Name, [property: Id(2), Redact] string InputsJson = "{}")
{
    /// <summary>How a job of Choria's <c>executor</c> stands, without the job's id.</summary>
    public static JobStatusAction Executor { get; } = new("executor", "status");
}

/// <summary>
/// Which nodes a job is for: those that there are when it starts. Of <see cref="Query"/>, <see cref="Identities"/>,
/// <see cref="OfJob"/>, <see cref="Broadcast"/> and <see cref="Plan"/> one.
/// </summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobTargets")]
public sealed record JobTargets
{
    /// <summary>The enrolled nodes that match, as the index knows them.</summary>
    [Id(0)]
    public NodeQuery? Query { get; init; }

    /// <summary>These nodes; at most 100 000.</summary>
    [Id(1)]
    public IReadOnlyList<string> Identities { get; init; } = [];

    /// <summary>Targets of an earlier job of this site.</summary>
    [Id(2)]
    public JobResultsOf? OfJob { get; init; }

    /// <summary>Whoever answers Choria's own discovery with this filter within two seconds.</summary>
    [Id(3)]
    public NodeQuery? Broadcast { get; init; }

    /// <summary>The overlays whose nodes are meant; empty for all that the site knows.</summary>
    [Id(4)]
    public IReadOnlyList<string> Overlays { get; init; } = [];

    /// <summary>Not these nodes.</summary>
    [Id(5)]
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>
    /// Orders the targets: the same seed gives the same order, and so the same canaries. Null: by identity.
    /// </summary>
    [Id(6)]
    public int? Seed { get; init; }

    /// <summary>It does not begin when there are more. Null: as many as the settings allow.</summary>
    [Id(7)]
    public int? Max { get; init; }

    /// <summary>
    /// The nodes that a placement plan moves, in its order. Only for jobs that the region itself submits: approve the plan instead.
    /// </summary>
    [Id(8)]
    public JobPlan? Plan { get; init; }
}

/// <param name="Region">The region whose plan it is.</param>
/// <param name="Id">The plan.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobPlan")]
public sealed record JobPlan([property: Id(0)] string Region, [property: Id(1)] string Id);

/// <param name="Job">The earlier job.</param>
/// <param name="States">Its targets in these states; empty for all.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobResultsOf")]
public sealed record JobResultsOf([property: Id(0)] string Job, [property: Id(1)] IReadOnlyList<TargetState> States);

/// <summary>What becomes of nodes that do not answer.</summary>
public enum JobMode
{
    /// <summary>Each node is asked once; who does not answer in time has timed out.</summary>
    BestEffort = 0,

    /// <summary>Who does not answer is unknown: asked how the action stands, and sent it again where it may be repeated.</summary>
    Reliable = 1,
}

/// <summary>Whose targets are sent first when many jobs run.</summary>
public enum JobPriority
{
    Normal = 0,

    /// <summary>Before all others.</summary>
    Emergency = 1,
}
