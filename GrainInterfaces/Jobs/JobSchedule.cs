namespace ControlPlane.Jobs;

using ControlPlane.Access;

/// <summary>A job that is submitted again and again, at the times that a cron expression says.</summary>
/// <param name="Job">
/// What each run is to do. A run begins at its time, so it has no <see cref="JobSpec.StartAt"/>; and it waits for no other jobs, since
/// those are there only once.
/// </param>
/// <param name="Cron">When: minute, hour, day of the month, month and day of the week, e.g. <c>0 2 * * 1-5</c>.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobSchedule")]
public sealed record JobSchedule([property: Id(0)] JobSpec Job, [property: Id(1)] string Cron) : IGivesReason, INamesAction
{
    string IGivesReason.Reason => Job.Reason;

    string INamesAction.Agent => Job.Action.Agent;

    string INamesAction.Action => Job.Action.Name;

    IReadOnlyList<(string Agent, string Action)> INamesAction.AlsoActions => Job.Action.StatusActions;

    string? INamesAction.Overlay => ((INamesAction)Job).Overlay;

    int? INamesAction.TargetsMax => ((INamesAction)Job).TargetsMax;

    /// <summary>The time zone of <see cref="Cron"/>, by its IANA name, e.g. <c>Europe/Dublin</c>; UTC by default.</summary>
    /// <remarks>
    /// A time that the clocks leave out in spring is the moment when they are put forward; one that comes twice in autumn is the first of
    /// them, unless the expression is for each hour or several a day.
    /// </remarks>
    [Id(2)]
    public string TimeZone { get; init; } = "UTC";

    /// <summary>What becomes of runs whose time came while nobody could begin them; they are left out by default.</summary>
    [Id(3)]
    public MissedRuns Missed { get; init; }

    /// <summary>Whether a run begins while the one before is unfinished; it does not by default.</summary>
    [Id(4)]
    public OverlappingRuns Overlap { get; init; }
}

/// <summary>What becomes of runs that did not begin within five minutes of their time.</summary>
public enum MissedRuns
{
    /// <summary>They are left out.</summary>
    Skip = 0,

    /// <summary>The latest of them begins as soon as it can; the others are left out.</summary>
    Once = 1,
}

/// <summary>What becomes of a run whose time comes while the run before is unfinished.</summary>
public enum OverlappingRuns
{
    /// <summary>It is left out.</summary>
    Skip = 0,

    /// <summary>It begins.</summary>
    Allow = 1,
}

/// <summary>One time at which a schedule's job was due.</summary>
/// <param name="At">The time.</param>
/// <param name="Job">The id of its job: the schedule's name and the time in UTC, <c>name-yyyyMMddHHmm</c>.</param>
/// <param name="State">What came of it.</param>
/// <param name="Reason">Why it waits or did not begin; empty otherwise.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ScheduledRun")]
public sealed record ScheduledRun(
    [property: Id(0)] DateTimeOffset At,
    [property: Id(1)] string Job,
    [property: Id(2)] ScheduledRunState State,
    [property: Id(3)] string Reason = "");

/// <summary>What came of a time of a schedule.</summary>
public enum ScheduledRunState
{
    /// <summary>Its job is about to be submitted.</summary>
    Due = 0,

    /// <summary>Its job was submitted.</summary>
    Begun = 1,

    /// <summary>It was left out: the run before was unfinished, or the schedule was paused.</summary>
    Skipped = 2,

    /// <summary>It was left out: nobody could begin it in time.</summary>
    Missed = 3,

    /// <summary>Its job was submitted and not taken.</summary>
    Refused = 4,
}

/// <summary>How a schedule stands at one moment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Schedule">What it begins, and when.</param>
/// <param name="Owner">Who applied it: its jobs are theirs.</param>
/// <param name="AppliedAt">When it was applied last.</param>
/// <param name="PausedBecause">Who paused it, and why; null while it is not paused.</param>
/// <param name="NextRun">When it begins its next job; null while it is paused.</param>
/// <param name="LastRun">What came of the last time that was due; null before the first.</param>
/// <param name="LastJob">The last job that it began; null before the first.</param>
/// <param name="Version">Grows with every change.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobScheduleSnapshot")]
public sealed record JobScheduleSnapshot(
    [property: Id(0)] string Name,
    [property: Id(1)] JobSchedule Schedule,
    [property: Id(2)] string Owner,
    [property: Id(3)] DateTimeOffset AppliedAt,
    [property: Id(4)] string? PausedBecause,
    [property: Id(5)] DateTimeOffset? NextRun,
    [property: Id(6)] ScheduledRun? LastRun,
    [property: Id(7)] string? LastJob,
    [property: Id(8)] int Version);

/// <summary>A schedule in a list; see <see cref="JobScheduleSnapshot"/>.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobScheduleSummary")]
public sealed record JobScheduleSummary(
    [property: Id(0)] string Name,
    [property: Id(1)] string Agent,
    [property: Id(2)] string Action,
    [property: Id(3)] string Cron,
    [property: Id(4)] string TimeZone,
    [property: Id(5)] string Owner,
    [property: Id(6)] string? PausedBecause,
    [property: Id(7)] DateTimeOffset? NextRun,
    [property: Id(8)] ScheduledRun? LastRun,
    [property: Id(9)] string? LastJob);
