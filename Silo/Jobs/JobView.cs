using System.ComponentModel;

namespace ControlPlane.Jobs;

/// <summary>A job as the API gives it.</summary>
/// <param name="Id">The job.</param>
/// <param name="Job">What it is to do; it may be submitted again as it is. Null where the job is followed: it does not change.</param>
/// <param name="Submitter">Who submitted it.</param>
/// <param name="State">How far it is.</param>
/// <param name="Reason">Why it waits, paused or ended; empty otherwise.</param>
/// <param name="Version">Grows with every change; the ETag.</param>
/// <param name="SubmittedAt">When it was submitted.</param>
/// <param name="StartedAt">When its first stage began.</param>
/// <param name="EndedAt">When it ended.</param>
/// <param name="Stage">The number of the stage that is worked on, from 0.</param>
/// <param name="Stages">How the targets of each stage stand.</param>
/// <param name="Counts">How all targets stand.</param>
/// <param name="Overlays">How it stands in each overlay.</param>
internal sealed record JobView(
    string Id,
    JobBody? Job,
    string Submitter,
    JobState State,
    string Reason,
    int Version,
    DateTimeOffset SubmittedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? EndedAt,
    int Stage,
    IReadOnlyList<JobStageView> Stages,
    JobCounts Counts,
    IReadOnlyList<JobOverlayView> Overlays)
{
    [Description("How many of the nodes that were named are enrolled in none of its overlays.")]
    public int NotFound { get; init; }

    public static JobView Of(JobSnapshot job) => Following(job) with { Job = JobBodies.Of(job.Spec) };

    /// <summary>Without what it is to do, which may hold 100 000 identities.</summary>
    public static JobView Following(JobSnapshot job) => new(
        job.Id,
        null,
        job.Submitter,
        job.State,
        job.Reason,
        job.Version,
        job.SubmittedAt,
        job.StartedAt,
        job.EndedAt,
        job.Stage,
        [.. job.Spec.Stages.Zip(StageCountsOf(job), (stage, counts) => new JobStageView(stage.Name, JobCounts.Of(counts)))],
        JobCounts.Of(job.Counts),
        [.. job.Overlays.Select(one => new JobOverlayView(
            one.Overlay, JobCounts.Of(one.Counts), one.Reason, one.IsAway, one.IsLeftOut, one.HeardAt))])
    {
        NotFound = job.NotFound,
    };

    /// <summary>How each stage's targets stand; none before the job has started, when nobody has been given to a stage.</summary>
    public static IEnumerable<TargetCounts> StageCountsOf(JobSnapshot job) => job.StageCounts.Count == job.Spec.Stages.Count
        ? job.StageCounts
        : job.Spec.Stages.Select(_ => TargetCounts.None);

    /// <summary>Whether nothing more comes, unless somebody has targets tried again.</summary>
    public static bool IsEnded(JobState state) => state is JobState.Completed or JobState.Aborted or JobState.Failed;
}

/// <param name="Name">The stage.</param>
/// <param name="Counts">How its targets stand.</param>
internal sealed record JobStageView(string Name, JobCounts Counts);

/// <param name="Overlay">The overlay.</param>
/// <param name="Counts">How its targets stand, as it last said.</param>
/// <param name="Reason">Why nothing is begun there now; empty otherwise.</param>
/// <param name="IsAway">It does not answer: its counts are old.</param>
/// <param name="IsLeftOut">It did not say in time which nodes it has: they are counted nowhere.</param>
/// <param name="HeardAt">When it last said how it stands.</param>
internal sealed record JobOverlayView(
    string Overlay, JobCounts Counts, string Reason, bool IsAway, bool IsLeftOut, DateTimeOffset? HeardAt);

/// <summary>How many targets are in each state.</summary>
internal sealed record JobCounts(
    int All,
    int Ended,
    int Pending,
    int Dispatched,
    int Running,
    int Succeeded,
    int Failed,
    int TimedOut,
    int Rejected,
    int Skipped,
    int Cancelled,
    int Unknown)
{
    public static JobCounts Of(TargetCounts counts) => new(
        counts.All,
        counts.Ended,
        counts[TargetState.Pending],
        counts[TargetState.Dispatched],
        counts[TargetState.Running],
        counts[TargetState.Succeeded],
        counts[TargetState.Failed],
        counts[TargetState.TimedOut],
        counts[TargetState.Rejected],
        counts[TargetState.Skipped],
        counts[TargetState.Cancelled],
        counts[TargetState.Unknown]);

    /// <summary>Those that did not do what was asked, or are not known to have done it.</summary>
    public int Bad() => Failed + TimedOut + Rejected + Unknown;
}

/// <param name="Id">The job.</param>
/// <param name="Agent">The agent.</param>
/// <param name="Action">Its action.</param>
/// <param name="Submitter">Who submitted it.</param>
/// <param name="State">How far it is.</param>
/// <param name="Reason">Why it waits, paused or ended; empty otherwise.</param>
/// <param name="Stage">The number of the stage that is worked on, from 0.</param>
/// <param name="Stages">How many stages it has.</param>
/// <param name="Counts">How its targets stand.</param>
/// <param name="SubmittedAt">When it was submitted.</param>
/// <param name="EndedAt">When it ended.</param>
internal sealed record JobSummaryView(
    string Id,
    string Agent,
    string Action,
    string Submitter,
    JobState State,
    string Reason,
    int Stage,
    int Stages,
    JobCounts Counts,
    DateTimeOffset SubmittedAt,
    DateTimeOffset? EndedAt)
{
    public static JobSummaryView Of(JobSummary job) => new(
        job.Id,
        job.Agent,
        job.Action,
        job.Submitter,
        job.State,
        job.Reason,
        job.Stage,
        job.Stages,
        JobCounts.Of(job.Counts),
        job.SubmittedAt,
        job.EndedAt);
}
