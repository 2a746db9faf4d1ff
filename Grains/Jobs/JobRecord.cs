using ControlPlane.Access;

namespace ControlPlane.Jobs;

/// <summary>What is stored of a job at the site of its submission.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobRecord")]
internal sealed record JobRecord
{
    /// <summary>Null while nothing was submitted under the id.</summary>
    [Id(0)]
    public JobSpec? Spec { get; init; }

    [Id(1)]
    public JobSubmitter Submitter { get; init; } = JobSubmitter.Of(Caller.System);

    [Id(2)]
    public JobState State { get; init; }

    [Id(3)]
    public string Reason { get; init; } = "";

    /// <summary>Grows with every change.</summary>
    [Id(4)]
    public int Version { get; init; }

    [Id(5)]
    public DateTimeOffset SubmittedAt { get; init; }

    [Id(6)]
    public DateTimeOffset? StartedAt { get; init; }

    [Id(7)]
    public DateTimeOffset? EndedAt { get; init; }

    [Id(8)]
    public int Stage { get; init; }

    /// <summary>When the stage began, or was taken up again after a pause; null before that is seen.</summary>
    [Id(9)]
    public DateTimeOffset? StageBegunAt { get; init; }

    /// <summary>When its last target ended; null while it is worked on.</summary>
    [Id(10)]
    public DateTimeOffset? StageDoneAt { get; init; }

    /// <summary>Where a paused job goes on.</summary>
    [Id(11)]
    public JobState PausedFrom { get; init; }

    [Id(12)]
    public string? ApprovedBy { get; init; }

    /// <summary>Grows with each call to try targets again.</summary>
    [Id(13)]
    public int Retries { get; init; }

    /// <summary>Which targets the last such call was for.</summary>
    [Id(14)]
    public IReadOnlyList<TargetState> RetryStates { get; init; } = [];

    [Id(15)]
    public IReadOnlyList<OverlayShare> Overlays { get; init; } = [];

    /// <summary>The specification as it was submitted, by its digest: a repeated call is known by it.</summary>
    [Id(16)]
    public string Digest { get; init; } = "";

    /// <summary>What others are still to be told; one of each kind of event.</summary>
    [Id(17)]
    public IReadOnlyList<JobNotice> Notices { get; init; } = [];

    /// <summary>What the web hook of its gate is asked; null away from such a gate.</summary>
    [Id(18)]
    public GateQuestion? Question { get; init; }

    /// <summary>How often its targets were found anew. What overlays found before counts no more.</summary>
    [Id(19)]
    public int Preparation { get; init; }

    /// <summary>Its time has come and those before it have completed: it begins as soon as its targets are found.</summary>
    [Id(20)]
    public bool IsDue { get; init; }

    /// <summary>How many of the nodes that were named are enrolled in none of its overlays.</summary>
    [Id(21)]
    public int NotFound { get; init; }

    public bool IsEnded => State is JobState.Completed or JobState.Aborted or JobState.Failed;

    /// <summary>Whether every overlay knows how the job stands, and neither it nor we have anything left to say.</summary>
    public bool IsSettled => IsEnded && Notices.Count == 0 && Overlays.All(share => share.Report is { IsSettled: true }
        || (share.Report is not { IsPrepared: true } && (share.IsLeftOut || StartedAt is null)));

    /// <summary>Whether an overlay has found the targets that it has now.</summary>
    public bool IsPrepared(OverlayShare share) => share.Report is { IsPrepared: true } report && report.Preparation == Preparation;
}

/// <summary>What an overlay may do for a job: with it, it goes on for as long as it is cut off.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobAllotment")]
internal sealed record Allotment
{
    public static Allotment None { get; } = new();

    /// <summary>Grows with each change; an overlay does not go back to an older one.</summary>
    [Id(0)]
    public int Number { get; init; }

    /// <summary>Up to which target each stage goes that has begun.</summary>
    [Id(1)]
    public IReadOnlyList<int> Ends { get; init; } = [];

    /// <summary>How many nodes work at once here.</summary>
    [Id(2)]
    public int Concurrency { get; init; }

    [Id(3)]
    public int? RatePerMinute { get; init; }

    /// <summary>Nothing is begun.</summary>
    [Id(4)]
    public bool IsHeld { get; init; }

    /// <summary>The job has ended: what was not begun is cancelled.</summary>
    [Id(5)]
    public bool IsEnded { get; init; }

    /// <summary>When the job started: offline nodes are waited for from then on.</summary>
    [Id(6)]
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Nothing is begun after this.</summary>
    [Id(7)]
    public DateTimeOffset Until { get; init; }

    /// <summary>Which call to try targets again this is, and for which.</summary>
    [Id(8)]
    public int Retries { get; init; }

    [Id(9)]
    public IReadOnlyList<TargetState> RetryStates { get; init; } = [];

    /// <summary>How the other overlays' targets stand, less what counts no more here and there: of the stage, and of the job.</summary>
    [Id(10)]
    public TargetCounts OthersInStage { get; init; } = TargetCounts.None;

    [Id(11)]
    public TargetCounts OthersInJob { get; init; } = TargetCounts.None;

    /// <summary>What counts no more of this overlay's own.</summary>
    [Id(12)]
    public TargetCounts BeforeInStage { get; init; } = TargetCounts.None;

    [Id(13)]
    public TargetCounts BeforeInJob { get; init; } = TargetCounts.None;
}

/// <summary>How a job stands in one overlay, as that says. The one of the higher version holds: hearing it twice does no harm.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayReport")]
internal sealed record OverlayReport
{
    [Id(0)]
    public int Version { get; init; }

    /// <summary>By which allotment it works.</summary>
    [Id(1)]
    public int Allotment { get; init; }

    /// <summary>Whether it knows its targets.</summary>
    [Id(2)]
    public bool IsPrepared { get; init; }

    [Id(3)]
    public int Targets { get; init; }

    /// <summary>How the targets of each stage that has begun stand, and in one more element the others.</summary>
    [Id(4)]
    public IReadOnlyList<TargetCounts> Stages { get; init; } = [];

    /// <summary>Nothing that was allotted is left to do, or under way.</summary>
    [Id(5)]
    public bool IsAtRest { get; init; }

    /// <summary>The threshold by which it holds, by its place in the specification; null when none does.</summary>
    [Id(6)]
    public int? Fired { get; init; }

    /// <summary>Why it cannot take part at all: the job cannot begin.</summary>
    [Id(7)]
    public string? Fault { get; init; }

    /// <summary>Why it begins nothing now; empty when it does, or has nothing to do.</summary>
    [Id(8)]
    public string Waits { get; init; } = "";

    /// <summary>The job has ended, and everything that is known of its targets is in this report.</summary>
    [Id(9)]
    public bool IsSettled { get; init; }

    /// <summary>Of which search for its targets it speaks.</summary>
    [Id(10)]
    public int Preparation { get; init; }

    public TargetCounts Counts => TargetCounts.Sum(Stages);
}

/// <summary>Who submitted a job: what it does is judged as theirs, in each overlay.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobSubmitter")]
internal sealed record JobSubmitter(
    [property: Id(0)] string Principal,
    [property: Id(1)] CallerMethod Method,
    [property: Id(2)] IReadOnlyList<string> Groups,
    [property: Id(3)] IReadOnlyList<string> Roles,
    [property: Id(4)] IReadOnlyDictionary<string, IReadOnlyList<string>> Claims,
    [property: Id(5)] DateTimeOffset? SecondFactorAt,
    [property: Id(6)] string? CredentialId,
    [property: Id(7)] string? Address,
    [property: Id(8)] string? Trace = null)
{
    public static JobSubmitter Of(Caller caller) => new(
        caller.Principal,
        caller.Method,
        caller.Groups,
        caller.Roles,
        caller.Claims,
        caller.SecondFactorAt,
        caller.CredentialId,
        caller.Address,
        caller.Trace);

    public Caller ToCaller() => new()
    {
        Principal = Principal,
        Method = Method,
        Groups = Groups,
        Roles = Roles,
        Claims = Claims,
        SecondFactorAt = SecondFactorAt,
        CredentialId = CredentialId,
        Address = Address,
        Trace = Trace,
    };
}
