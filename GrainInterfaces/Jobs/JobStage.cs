namespace ControlPlane.Jobs;

/// <summary>A part of a job's targets, worked on before the next part is begun.</summary>
/// <param name="Name">Its name; unique in the job, 1 to 63 characters of a-z, 0-9 and '-'.</param>
/// <param name="Size">
/// How many targets: a number (<c>50</c>), or a share of all targets of the job (<c>5%</c>), rounded up. The last stage takes what is left
/// over, and must be <c>100%</c>.
/// </param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobStage")]
public sealed record JobStage([property: Id(0)] string Name, [property: Id(1)] string Size)
{
    /// <summary>The stage of a job that names none.</summary>
    public static JobStage All { get; } = new("all", "100%");

    /// <summary>At least so many, where there are as many. 1 or more; 1 by default.</summary>
    [Id(2)]
    public int Min { get; init; } = 1;

    /// <summary>Whether size and minimum are of each overlay's targets, and not of all together. False by default.</summary>
    [Id(3)]
    public bool PerOverlay { get; init; }

    /// <summary>How many nodes work at once, in all overlays together. 1 to 100 000; 1 000 by default.</summary>
    [Id(4)]
    public int Concurrency { get; init; } = 1_000;

    /// <summary>How many nodes work at once in one overlay. 1 to 100 000; null for no limit but the other.</summary>
    [Id(10)]
    public int? ConcurrencyPerOverlay { get; init; }

    /// <summary>How many nodes are begun with a minute, in all overlays together. 1 or more; null for no limit.</summary>
    [Id(5)]
    public int? RatePerMinute { get; init; }

    /// <summary>How the concurrency is reached.</summary>
    [Id(6)]
    public JobRamp Ramp { get; init; }

    /// <summary>How long to wait when the stage is done before the next one may begin. None by default.</summary>
    [Id(7)]
    public TimeSpan Bake { get; init; }

    /// <summary>What lets the next stage begin.</summary>
    [Id(8)]
    public JobGate Gate { get; init; }

    /// <summary>For <see cref="JobGate.WebHook"/>: which one, by the name that the site's settings give it. Null for other gates.</summary>
    [Id(9)]
    public string? GateWebHook { get; init; }
}

/// <summary>How a stage's concurrency is reached.</summary>
public enum JobRamp
{
    /// <summary>At once.</summary>
    None = 0,

    /// <summary>From one node on, doubled as often as as many as were begun have ended.</summary>
    Exponential = 1,
}

/// <summary>What lets the next stage begin when one is done and has baked.</summary>
public enum JobGate
{
    /// <summary>Nothing more.</summary>
    Auto = 0,

    /// <summary>Somebody advances the job.</summary>
    Manual = 1,

    /// <summary>
    /// A web hook is asked until it says that the job may go on, or is to stop: it pauses then. Somebody may still advance it.
    /// </summary>
    WebHook = 2,
}

/// <summary>At how many targets that ended badly the job stops.</summary>
/// <param name="Scope">What is counted together.</param>
/// <param name="States">Which ends count: of failed, timedOut, rejected and unknown.</param>
/// <param name="Then">What follows.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobThreshold")]
public sealed record JobThreshold(
    [property: Id(0)] ThresholdScope Scope,
    [property: Id(1)] IReadOnlyList<TargetState> States,
    [property: Id(2)] ThresholdAction Then)
{
    /// <summary>It fires at so many. Of this and <see cref="Percent"/> one.</summary>
    [Id(3)]
    public int? Count { get; init; }

    /// <summary>It fires at this share of the targets that have ended. Above 0, at most 100.</summary>
    [Id(4)]
    public double? Percent { get; init; }

    /// <summary>A share is looked at when so many targets have ended. 20 by default.</summary>
    [Id(5)]
    public int MinSample { get; init; } = 20;
}

/// <summary>What a threshold counts together.</summary>
public enum ThresholdScope
{
    /// <summary>The stage that is worked on.</summary>
    Stage = 0,

    /// <summary>The whole job.</summary>
    Job = 1,

    /// <summary>Each overlay for itself, over the whole job.</summary>
    Overlay = 2,
}

/// <summary>What follows when a threshold fires.</summary>
public enum ThresholdAction
{
    /// <summary>Nothing new is begun until somebody resumes the job; what is counted then begins from zero.</summary>
    Pause = 0,

    /// <summary>The same in the overlay alone; only for the scope overlay.</summary>
    PauseOverlay = 1,

    /// <summary>The job ends; what is under way ends by itself.</summary>
    Abort = 2,
}

/// <summary>How long a job and its parts may take.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobTimeouts")]
public sealed record JobTimeouts
{
    public static JobTimeouts Default { get; } = new();

    /// <summary>How long after it was sent a node may still begin with the request. 1 second to 1 hour; 60 seconds by default.</summary>
    [Id(0)]
    public TimeSpan Delivery { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long a node may take, from when the request was sent to the end of the action. 1 second to 7 days; 60 seconds by default, which
    /// stand for 30 minutes where the action is <c>controlplane#reprovision</c>.
    /// </summary>
    [Id(1)]
    public TimeSpan Execution { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a stage may take; the job pauses then. No limit by default.</summary>
    [Id(2)]
    public TimeSpan? Stage { get; init; }

    /// <summary>How long the job may take from when it starts; it is aborted then. 1 minute to 30 days; 1 day by default.</summary>
    [Id(3)]
    public TimeSpan Job { get; init; } = TimeSpan.FromDays(1);

    /// <summary>
    /// How long a target may be unknown before its stage goes on without it: a node that did not answer, or an overlay that is cut off.
    /// 5 minutes by default.
    /// </summary>
    [Id(4)]
    public TimeSpan UnknownGrace { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>Whether a target that ended badly is tried again.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobRetry")]
public sealed record JobRetry
{
    public static JobRetry None { get; } = new();

    /// <summary>
    /// Which ends are tried again: of failed, rejected, timedOut and unknown. The last two only for actions that may be repeated.
    /// </summary>
    [Id(0)]
    public IReadOnlyList<TargetState> On { get; init; } = [];

    /// <summary>How often a target is tried again. 0 to 14; 0 by default.</summary>
    [Id(1)]
    public int Max { get; init; }

    /// <summary>The longest wait before the first repetition; doubled by each further one. 5 seconds by default.</summary>
    [Id(2)]
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest wait. 2 minutes by default.</summary>
    [Id(3)]
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>What becomes of nodes that are not heard when their turn comes.</summary>
/// <param name="Policy">What.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobOffline")]
public sealed record JobOffline([property: Id(0)] OfflinePolicy Policy)
{
    public static JobOffline Try { get; } = new(OfflinePolicy.Try);

    /// <summary>For <see cref="OfflinePolicy.Wait"/>: how long after the job's start. 6 hours by default.</summary>
    [Id(1)]
    public TimeSpan Until { get; init; } = TimeSpan.FromHours(6);
}

/// <summary>What becomes of nodes that are not heard when their turn comes.</summary>
public enum OfflinePolicy
{
    /// <summary>They are asked like the others.</summary>
    Try = 0,

    /// <summary>They are skipped.</summary>
    Skip = 1,

    /// <summary>They wait until they are heard, or are skipped.</summary>
    Wait = 2,

    /// <summary>They have failed.</summary>
    Fail = 3,
}

/// <summary>When nodes may be worked on.</summary>
/// <param name="From">The time of day when it opens.</param>
/// <param name="To">The time of day when it closes; before <paramref name="From"/> for a window over midnight.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobWindow")]
public sealed record JobWindow([property: Id(0)] TimeOnly From, [property: Id(1)] TimeOnly To)
{
    /// <summary>On which days it opens; all by default.</summary>
    [Id(2)]
    public IReadOnlyList<DayOfWeek> Days { get; init; } = [];

    /// <summary>
    /// The time zone, e.g. <c>Europe/Dublin</c>; null for that of each overlay, its label <c>timezone</c>, and UTC where it has none.
    /// </summary>
    [Id(3)]
    public string? Zone { get; init; }
}
