namespace ControlPlane.Jobs;

/// <summary>How a job stands at one moment.</summary>
/// <param name="Id">The job.</param>
/// <param name="Spec">What it is to do, with the defaults of the agent's DDL filled in.</param>
/// <param name="Submitter">Who submitted it.</param>
/// <param name="State">How far it is.</param>
/// <param name="Reason">Why it waits, paused or ended, in words; empty otherwise.</param>
/// <param name="Version">Grows with every change.</param>
/// <param name="SubmittedAt">When it was submitted.</param>
/// <param name="StartedAt">When its first stage began; null before.</param>
/// <param name="EndedAt">When it ended; null before.</param>
/// <param name="Stage">The number of the stage that is worked on, from 0.</param>
/// <param name="StageCounts">How the targets of each stage stand; one count of all targets before the job has started.</param>
/// <param name="Overlays">How it stands in each overlay.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobSnapshot")]
public sealed record JobSnapshot(
    [property: Id(0)] string Id,
    [property: Id(1)] JobSpec Spec,
    [property: Id(2)] string Submitter,
    [property: Id(3)] JobState State,
    [property: Id(4)] string Reason,
    [property: Id(5)] int Version,
    [property: Id(6)] DateTimeOffset SubmittedAt,
    [property: Id(7)] DateTimeOffset? StartedAt,
    [property: Id(8)] DateTimeOffset? EndedAt,
    [property: Id(9)] int Stage,
    [property: Id(10)] IReadOnlyList<TargetCounts> StageCounts,
    [property: Id(11)] IReadOnlyList<JobInOverlay> Overlays)
{
    /// <summary>How all targets stand.</summary>
    public TargetCounts Counts => TargetCounts.Sum(StageCounts);

    /// <summary>What can be done with it now, by somebody who may.</summary>
    [Id(12)]
    public IReadOnlyList<JobVerb> Verbs { get; init; } = [];

    /// <summary>How many of the nodes that were named are enrolled in none of its overlays; 0 before it starts.</summary>
    [Id(13)]
    public int NotFound { get; init; }
}

/// <summary>What operators tell a job to do.</summary>
public enum JobVerb
{
    Approve = 1,
    Pause = 2,
    Resume = 3,
    Advance = 4,
    Retry = 5,
    Abort = 6,
}

/// <summary>A job in one overlay.</summary>
/// <param name="Overlay">The overlay.</param>
/// <param name="Counts">
/// How its targets stand, as it last said. When it is away for longer than the job waits for what is unknown, what it was given and has
/// said no end of is unknown.
/// </param>
/// <param name="Reason">Why nothing is begun there now; empty otherwise.</param>
/// <param name="IsAway">It does not answer: what it was given goes on, and its counts are old.</param>
/// <param name="HeardAt">When it last said how it stands; null before it has.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobInOverlay")]
public sealed record JobInOverlay(
    [property: Id(0)] string Overlay,
    [property: Id(1)] TargetCounts Counts,
    [property: Id(2)] string Reason,
    [property: Id(3)] bool IsAway,
    [property: Id(4)] DateTimeOffset? HeardAt)
{
    /// <summary>It did not say in time which nodes it has: the job goes on without them, and they are counted nowhere.</summary>
    [Id(5)]
    public bool IsLeftOut { get; init; }
}

/// <summary>How far a job is.</summary>
public enum JobState
{
    /// <summary>Its overlays find out which nodes it is for.</summary>
    Preparing = 0,

    /// <summary>Somebody must approve it.</summary>
    AwaitingApproval = 1,

    /// <summary>It waits for its time, or for other jobs.</summary>
    Waiting = 2,

    /// <summary>A stage is worked on.</summary>
    Running = 3,

    /// <summary>A stage is done, and is looked at for a while.</summary>
    Baking = 4,

    /// <summary>A stage is done, and what lets the next one begin has not come.</summary>
    AtGate = 5,

    /// <summary>Nothing new is begun until it is resumed.</summary>
    Paused = 6,

    /// <summary>Ended: every target was worked on. Some may have ended badly.</summary>
    Completed = 7,

    /// <summary>Ended before every target was worked on.</summary>
    Aborted = 8,

    /// <summary>Ended before it began: nothing was sent.</summary>
    Failed = 9,
}

/// <summary>How one target of a job stands.</summary>
public enum TargetState
{
    /// <summary>Nothing was sent to it.</summary>
    Pending = 0,

    /// <summary>The request was sent, or was about to be when its silo ended.</summary>
    Dispatched = 1,

    /// <summary>The node has begun, and goes on by itself.</summary>
    Running = 2,

    /// <summary>The action succeeded.</summary>
    Succeeded = 3,

    /// <summary>The action failed.</summary>
    Failed = 4,

    /// <summary>The node did not answer, or did not end, in time.</summary>
    TimedOut = 5,

    /// <summary>The node did not accept the request: it has no such action, or takes no such inputs.</summary>
    Rejected = 6,

    /// <summary>It was left out.</summary>
    Skipped = 7,

    /// <summary>The job ended before its turn came.</summary>
    Cancelled = 8,

    /// <summary>The request was sent, and what came of it is not known.</summary>
    Unknown = 9,
}

/// <summary>How many targets are in each state.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.TargetCounts")]
public sealed record TargetCounts
{
    private static readonly int StateCount = Enum.GetValues<TargetState>().Length;

    /// <summary>By the number of the state.</summary>
    [Id(0)]
    public IReadOnlyList<int> ByState { get; init; } = new int[StateCount];

    /// <summary>All targets.</summary>
    public int All => ByState.Sum();

    /// <summary>Those that have ended.</summary>
    public int Ended => All - this[TargetState.Pending] - this[TargetState.Dispatched] - this[TargetState.Running]
        - this[TargetState.Unknown];

    /// <summary>Those in a state.</summary>
    public int this[TargetState state] => (int)state < ByState.Count ? ByState[(int)state] : 0;

    public static TargetCounts None { get; } = new();

    public static TargetCounts Sum(IEnumerable<TargetCounts> counts)
    {
        var sums = new int[StateCount];
        foreach (var one in counts)
        {
            for (var state = 0; state < one.ByState.Count; state++)
            {
                sums[state] += one.ByState[state];
            }
        }

        return new TargetCounts { ByState = sums };
    }

    public bool Equals(TargetCounts? other) => other is not null && ByState.SequenceEqual(other.ByState);

    public override int GetHashCode() => All;
}

/// <summary>One target of a job.</summary>
/// <param name="Identity">The node.</param>
/// <param name="Overlay">Where it lives.</param>
/// <param name="Stage">The number of its stage.</param>
/// <param name="State">How it stands.</param>
/// <param name="Attempts">How often the request was sent to it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobTarget")]
public sealed record JobTarget(
    [property: Id(0)] string Identity,
    [property: Id(1)] string Overlay,
    [property: Id(2)] int Stage,
    [property: Id(3)] TargetState State,
    [property: Id(4)] int Attempts);

/// <param name="Targets">In the order in which they are worked on.</param>
/// <param name="Next">Where the next page begins; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobTargetPage")]
public sealed record JobTargetPage([property: Id(0)] IReadOnlyList<JobTarget> Targets, [property: Id(1)] string? Next)
{
    /// <summary>Overlays that do not answer now: this page is without theirs, and so are those that follow from it.</summary>
    [Id(2)]
    public IReadOnlyList<string> Unreachable { get; init; } = [];
}

/// <summary>What came of one attempt at one target.</summary>
/// <param name="Identity">The node.</param>
/// <param name="Overlay">Where it lives.</param>
/// <param name="Attempt">Which attempt, from 1.</param>
/// <param name="State">How the target stood then.</param>
/// <param name="StatusCode">The reply's status; null when there was no reply.</param>
/// <param name="Message">The reply's words, or why there is none.</param>
/// <param name="DataJson">The reply's data; null when there was none, or it was too large to keep.</param>
/// <param name="At">When.</param>
/// <param name="IsLate">It came after the target had been given up.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobResult")]
public sealed record JobResult(
    [property: Id(0)] string Identity,
    [property: Id(1)] string Overlay,
    [property: Id(2)] int Attempt,
    [property: Id(3)] TargetState State,
    [property: Id(4)] int? StatusCode,
    [property: Id(5)] string Message,
    [property: Id(6)] string? DataJson,
    [property: Id(7)] DateTimeOffset At,
    [property: Id(8)] bool IsLate);

/// <param name="Results">In the order in which they came, of one overlay after the other.</param>
/// <param name="Next">Where the next page begins; null when there is none now.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobResultPage")]
public sealed record JobResultPage([property: Id(0)] IReadOnlyList<JobResult> Results, [property: Id(1)] string? Next)
{
    /// <summary>Overlays that do not answer now: this page is without theirs, and so are those that follow from it.</summary>
    [Id(2)]
    public IReadOnlyList<string> Unreachable { get; init; } = [];
}
