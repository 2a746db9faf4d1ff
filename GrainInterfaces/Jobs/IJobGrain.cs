namespace ControlPlane.Jobs;

using ControlPlane.Access;
using Orleans.Concurrency;

/// <summary>One job: one action on many nodes, at the site where it was submitted.</summary>
/// <remarks>
/// Key: the job's id (<see cref="JobId"/>). It goes on whatever silo ends. What it does is done as its submitter, whom each overlay's
/// policy judges again.
/// </remarks>
[Alias("ControlPlane.IJobGrain")]
public interface IJobGrain : IGrainWithStringKey
{
    /// <summary>The most targets that one call lists.</summary>
    const int TargetsPageMax = 20_000;

    /// <summary>The most results that one call lists.</summary>
    const int ResultsPageMax = 1_000;

    /// <summary>Submits the job. Safe to repeat: the same specification gets the same job, another is refused.</summary>
    [Alias("Submit"), ResponseTimeout("00:01:00"), Requires(Permissions.JobsRun)]
    Task<JobOutcome> Submit(JobSpec spec);

    /// <summary>How it stands; null when there is no job of this id.</summary>
    [Alias("Get"), AlwaysInterleave, Requires(Permissions.JobsRead)]
    Task<JobSnapshot?> Get();

    /// <summary>How it stands as soon as it is newer than a version, or after a while (at most 30 seconds) as it is.</summary>
    /// <returns>Null when there is no job of this id.</returns>
    [Alias("Follow"), AlwaysInterleave, ResponseTimeout("00:01:00"), Requires(Permissions.JobsRead)]
    Task<JobSnapshot?> Follow(int afterVersion, TimeSpan patience);

    /// <summary>
    /// Its targets in some states (empty: all), after a cursor, at most <paramref name="limit"/> (1 to <see cref="TargetsPageMax"/>).
    /// </summary>
    /// <remarks>Overlays that do not answer are left out, and named.</remarks>
    [Alias("ListTargets"), AlwaysInterleave, ResponseTimeout("00:01:00"), Requires(Permissions.JobsRead)]
    Task<JobTargetPage> ListTargets(IReadOnlyList<TargetState> states, string? after, int limit);

    /// <summary>
    /// What came of it at its targets, in some states (empty: all), after a cursor, at most <paramref name="limit"/> (1 to
    /// <see cref="ResultsPageMax"/>).
    /// </summary>
    /// <remarks>Overlays that do not answer are left out, and named.</remarks>
    [Alias("ListResults"), AlwaysInterleave, ResponseTimeout("00:01:00"), Requires(Permissions.JobsRead)]
    Task<JobResultPage> ListResults(IReadOnlyList<TargetState> states, string? after, int limit);

    /// <summary>Lets a job begin that must be approved. Not by who submitted it. Safe to repeat.</summary>
    [Alias("Approve"), Requires(Permissions.JobsApprove, On = AccessTarget.Job)]
    Task<JobOutcome> Approve(string reason);

    /// <summary>Begins nothing new until it is resumed; what is under way ends by itself. Safe to repeat.</summary>
    [Alias("Pause"), Requires(Permissions.JobsControl, On = AccessTarget.Job)]
    Task<JobOutcome> Pause(string reason);

    /// <summary>Lets a paused job go on, in all its overlays; what its thresholds count begins from zero. Safe to repeat.</summary>
    [Alias("Resume"), Requires(Permissions.JobsControl, On = AccessTarget.Job)]
    Task<JobOutcome> Resume(string reason);

    /// <summary>Lets the next stage begin, for a job that bakes or is at a gate. Not safe to repeat: give the stage that is done.</summary>
    [Alias("Advance"), Requires(Permissions.JobsControl, On = AccessTarget.Job)]
    Task<JobOutcome> Advance(int stage, string reason);

    /// <summary>
    /// Tries targets again that ended in some states; a job that is completed goes on. Safe to repeat while they are tried.
    /// </summary>
    [Alias("Retry"), Requires(Permissions.JobsControl, On = AccessTarget.Job)]
    Task<JobOutcome> Retry(IReadOnlyList<TargetState> states, string reason);

    /// <summary>Ends the job: nothing new is begun, what is under way ends by itself. Safe to repeat.</summary>
    [Alias("Abort"), Requires(Permissions.JobsControl, On = AccessTarget.Job)]
    Task<JobOutcome> Abort(string reason);
}

/// <summary>Names of jobs.</summary>
public static class JobId
{
    /// <summary>What an id must be.</summary>
    public const string Rule = "1 to 63 characters of a-z, 0-9 and '-'";

    private const int CharactersMax = 63;

    /// <summary>Whether it is one.</summary>
    public static bool IsValid(string? id) =>
        id is { Length: > 0 and <= CharactersMax }
        && id.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character == '-');

    /// <summary>The job.</summary>
    public static IJobGrain GetJob(this IGrainFactory grains, string id) => grains.GetGrain<IJobGrain>(id);
}

/// <summary>What became of a call that changes a job.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobOutcome")]
public abstract record JobOutcome
{
    /// <param name="Job">How it stands now.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.JobOutcome.Accepted")]
    public sealed record Accepted([property: Id(0)] JobSnapshot Job) : JobOutcome;

    /// <param name="Refusal">What kind of reason.</param>
    /// <param name="Faults">Why, each in words for the caller.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.JobOutcome.Refused")]
    public sealed record Refused([property: Id(0)] JobRefusal Refusal, [property: Id(1)] IReadOnlyList<string> Faults) : JobOutcome;
}

/// <summary>Why a call that was to change a job changed nothing.</summary>
public enum JobRefusal
{
    /// <summary>The specification has faults.</summary>
    InvalidSpec = 1,

    /// <summary>There is no job of this id.</summary>
    UnknownJob = 2,

    /// <summary>Another job was submitted under this id.</summary>
    AnotherJob = 3,

    /// <summary>The job is not in a state where that can be done.</summary>
    WrongState = 4,

    /// <summary>Who submitted the job cannot approve it.</summary>
    SameCaller = 5,

    /// <summary>As many jobs run as the settings allow.</summary>
    TooManyJobs = 6,

    /// <summary>There is no schedule of this name.</summary>
    UnknownSchedule = 7,

    /// <summary>A site has as many schedules as it can have.</summary>
    TooManySchedules = 8,

    /// <summary>The schedule is somebody else's.</summary>
    AnotherOwner = 9,
}

/// <summary>The jobs of a site. Key: anything; it holds nothing of its own.</summary>
[Alias("ControlPlane.IJobListGrain")]
public interface IJobListGrain : IGrainWithStringKey
{
    /// <summary>The most jobs that one call lists.</summary>
    const int PageMax = 1_000;

    /// <summary>The jobs that are kept, newest first, at most <paramref name="limit"/> (1 to <see cref="PageMax"/>).</summary>
    [Alias("List"), Requires(Permissions.JobsRead)]
    Task<IReadOnlyList<JobSummary>> List(IReadOnlyList<JobState> states, int limit);

    /// <summary>Says what a job would do if it were submitted now, and does nothing. Safe to repeat.</summary>
    [Alias("DryRun"), ResponseTimeout("00:02:00"), Requires(Permissions.JobsRun)]
    Task<JobDryRun> DryRun(JobSpec spec);

    /// <summary>All schedules, by name.</summary>
    [Alias("ListSchedules"), Requires(Permissions.JobsRead)]
    Task<IReadOnlyList<JobScheduleSummary>> ListSchedules();
}

/// <summary>A job in a list.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobSummary")]
public sealed record JobSummary(
    [property: Id(0)] string Id,
    [property: Id(1)] string Agent,
    [property: Id(2)] string Action,
    [property: Id(3)] string Submitter,
    [property: Id(4)] JobState State,
    [property: Id(5)] string Reason,
    [property: Id(6)] int Stage,
    [property: Id(7)] int Stages,
    [property: Id(8)] TargetCounts Counts,
    [property: Id(9)] DateTimeOffset SubmittedAt,
    [property: Id(10)] DateTimeOffset? EndedAt);
