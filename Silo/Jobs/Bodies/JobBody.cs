using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Access;
using ControlPlane.Nodes;

namespace ControlPlane.Jobs;

/// <summary>A job as it is written down, over HTTP and in files.</summary>
/// <remarks>What is left out has the default that <see cref="JobSpec"/> says.</remarks>
/// <param name="Agent">The agent, e.g. <c>puppet</c>.</param>
/// <param name="Action">Its action, e.g. <c>runonce</c>.</param>
/// <param name="Targets">Which nodes.</param>
internal sealed record JobBody(string Agent, string Action, JobTargetsBody Targets) : INamesAction, IGivesReason
{
    IReadOnlyList<(string Agent, string Action)> INamesAction.AlsoActions => new JobAction(Agent, Action)
    {
        Status = Status is { } status ? new JobStatusAction(status.Agent, status.Action) : null, ExecutorId = ExecutorId,
    }.StatusActions;

    string? INamesAction.Overlay => Targets.Overlays is [var one] ? one : null;

    int? INamesAction.TargetsMax => Targets.Max ?? (JobTargetsReader.IsList(Targets) ? Targets.Identities.Count : null);

    [Description("The action's inputs: an object. The agent's DDL says which there are; its defaults are filled in."), Redact]
    public JsonElement? Inputs { get; init; }

    [Description("Whether the action does no harm when a node is given it twice.")]
    public bool Repeatable { get; init; }

    [Description("Asked of a node that did not answer, before it is given up or sent the action again.")]
    public StatusActionBody? Status { get; init; }

    [Description("The name of the reply's data that is the id of a job of Choria's executor, which is then followed to its end.")]
    public string? ExecutorId { get; init; }

    [Description("Why; at most 200 characters. Policies may demand it.")]
    public string Reason { get; init; } = "";

    [Description("bestEffort asks each node once; reliable finds out what became of those that do not answer.")]
    public JobMode Mode { get; init; }

    public JobPriority Priority { get; init; }

    [Description("In which parts, one after the other; all nodes in one part without.")]
    public IReadOnlyList<JobStageBody> Stages { get; init; } = [];

    [Description("At how many failures it stops.")]
    public IReadOnlyList<JobThresholdBody> Thresholds { get; init; } = [];

    public JobTimeoutsBody? Timeouts { get; init; }

    public JobRetryBody? Retry { get; init; }

    public JobOfflineBody? Offline { get; init; }

    [Description("When nodes may be worked on; at any time without.")]
    public JobWindowBody? Window { get; init; }

    [Description("Not before this; at once without.")]
    public DateTimeOffset? StartAt { get; init; }

    [Description("Not before these jobs have succeeded.")]
    public IReadOnlyList<string> After { get; init; } = [];

    [Description("Whether somebody must approve it, whatever the settings say.")]
    public bool RequiresApproval { get; init; }

    [Description("Who is told when the job's state changes, by CloudEvents.")]
    public JobNotifyBody? Notify { get; init; }
}

internal sealed record JobNotifyBody
{
    [Description("Web hooks by the names that the settings of the site give them (Jobs:WebHooks).")]
    public IReadOnlyList<string> WebHooks { get; init; } = [];

    [Description("Whether they are published on NATS, on controlplane.job.{id}.{what}.")]
    public bool Nats { get; init; }
}

/// <summary>An action that says how another stands.</summary>
internal sealed record StatusActionBody(string Agent, string Action)
{
    [Description("The action's inputs: an object."), Redact]
    public JsonElement? Inputs { get; init; }
}

/// <summary>
/// Which nodes. Conditions must all hold. Identities alone are the list of the nodes; with a pattern or beside conditions, one of them must
/// match.
/// </summary>
internal sealed record JobTargetsBody
{
    [Description("All nodes: must be said, so that nobody means all by forgetting a condition.")]
    public bool All { get; init; }

    [Description("An expression, e.g. country=uk and not (role::db or os.family=/^red/i).")]
    public string? Filter { get; init; }

    [Description("Comparisons of facts in Choria's form, e.g. os.release.major>=12; all must hold.")]
    public IReadOnlyList<string> Facts { get; init; } = [];

    [Description("Classes, or /regex/; all must be there.")]
    public IReadOnlyList<string> Classes { get; init; } = [];

    [Description("Agents, or /regex/; all must be there.")]
    public IReadOnlyList<string> Agents { get; init; } = [];

    [Description("Identities: the nodes themselves; or /regex/, or beside other conditions: one must match.")]
    public IReadOnlyList<string> Identities { get; init; } = [];

    [Description("With broadcast: an expression that nodes evaluate, as choria req -S takes it.")]
    public string? Compound { get; init; }

    [Description("Only nodes in this stage.")]
    public NodeStage? State { get; init; }

    [Description("Only nodes that are this alive.")]
    public NodeLiveness? Liveness { get; init; }

    [Description("Only nodes that run this version of Choria.")]
    public string? Version { get; init; }

    [Description("Whoever answers Choria's own discovery, and not those that the index has.")]
    public bool Broadcast { get; init; }

    [Description("Targets of an earlier job.")]
    public OfJobBody? OfJob { get; init; }

    [Description("The nodes that a placement plan moves. Only of jobs that approved plans are carried out by: none can be submitted so.")]
    public string? Plan { get; init; }

    [Description("Only nodes of these overlays.")]
    public IReadOnlyList<string> Overlays { get; init; } = [];

    [Description("Not these nodes.")]
    public IReadOnlyList<string> Exclude { get; init; } = [];

    [Description("Orders the targets: the same seed gives the same order, and so the same canaries. By identity without.")]
    public int? Seed { get; init; }

    [Description("It does not begin when there are more.")]
    public int? Max { get; init; }
}

/// <param name="Job">The earlier job.</param>
internal sealed record OfJobBody(string Job)
{
    [Description("Its targets in these states; all without.")]
    public IReadOnlyList<TargetState> States { get; init; } = [];
}

/// <param name="Name">Unique in the job; 1 to 63 characters of a-z, 0-9 and '-'.</param>
internal sealed record JobStageBody(string Name)
{
    [JsonConverter(typeof(TextOrNumber))]
    [Description("A number of targets, or a share of all such as \"5%\". The last stage is \"100%\", which is the default.")]
    public string Size { get; init; } = JobStage.All.Size;

    public int? Min { get; init; }

    public bool PerOverlay { get; init; }

    [Description("How many nodes work at once, in all overlays together.")]
    public int? Concurrency { get; init; }

    [Description("How many nodes work at once in one overlay; no limit but the other without.")]
    public int? ConcurrencyPerOverlay { get; init; }

    public int? RatePerMinute { get; init; }

    public JobRamp Ramp { get; init; }

    [Description("How long to wait when the stage is done, e.g. 10m.")]
    public string? Bake { get; init; }

    [Description("What lets the next stage begin: auto nothing more, manual somebody who advances the job, webHook what webHook answers.")]
    public JobGate Gate { get; init; }

    [Description("For the gate webHook: which one is asked, by the name that the settings of the site give it (Jobs:WebHooks).")]
    public string? WebHook { get; init; }
}

internal sealed record JobThresholdBody(ThresholdScope Scope, IReadOnlyList<TargetState> States, ThresholdAction Then)
{
    public int? Count { get; init; }

    public double? Percent { get; init; }

    public int? MinSample { get; init; }
}

/// <summary>Durations such as <c>90s</c>, <c>10m</c>, <c>6h</c>, <c>2d</c>.</summary>
internal sealed record JobTimeoutsBody
{
    [Description("How long after it was sent a node may still begin.")]
    public string? Delivery { get; init; }

    [Description("How long a node may take in all.")]
    public string? Execution { get; init; }

    [Description("How long a stage may take; the job pauses then.")]
    public string? Stage { get; init; }

    [Description("How long the job may take; it is aborted then.")]
    public string? Job { get; init; }

    [Description("How long a target may be unknown before its stage goes on without it.")]
    public string? UnknownGrace { get; init; }
}

internal sealed record JobRetryBody
{
    [Description("Which ends are tried again: failed, rejected, timedOut, unknown.")]
    public IReadOnlyList<TargetState> On { get; init; } = [];

    public int Max { get; init; }

    public string? Backoff { get; init; }

    public string? BackoffMax { get; init; }
}

internal sealed record JobOfflineBody(OfflinePolicy Policy)
{
    [Description("For wait: how long after the job's start.")]
    public string? Until { get; init; }
}

/// <param name="From">The time of day when it opens, e.g. 22:00.</param>
/// <param name="To">The time of day when it closes.</param>
internal sealed record JobWindowBody(string From, string To)
{
    public IReadOnlyList<DayOfWeek> Days { get; init; } = [];

    [Description("The time zone, e.g. Europe/Dublin; that of each overlay without.")]
    public string? Zone { get; init; }
}
