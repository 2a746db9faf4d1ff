namespace ControlPlane.Jobs;

using ControlPlane.Access;
using Orleans.Concurrency;

/// <summary>One schedule: a job that is submitted again and again, each time as a job of its own, at the site of the schedule.</summary>
/// <remarks>
/// Key: the schedule's name (<see cref="JobScheduleName"/>). It goes on whatever silo ends. Its jobs are those of who applied it, whom each
/// overlay's policy judges for each of them.
/// </remarks>
[Alias("ControlPlane.IJobScheduleGrain")]
public interface IJobScheduleGrain : IGrainWithStringKey
{
    /// <summary>
    /// Sets the schedule, or replaces what it was, if the caller set that: its jobs are theirs. A paused one stays paused. Safe to repeat.
    /// </summary>
    [Alias("Apply"), ResponseTimeout("00:01:00"), Requires(Permissions.JobsRun)]
    Task<JobScheduleOutcome> Apply(JobSchedule schedule);

    /// <summary>How it stands; null when there is no schedule of this name.</summary>
    [Alias("Get"), AlwaysInterleave, Requires(Permissions.JobsRead)]
    Task<JobScheduleSnapshot?> Get();

    /// <summary>Begins no job until it is resumed; those that have begun go on. Safe to repeat.</summary>
    [Alias("Pause"), Requires(Permissions.JobsControl)]
    Task<JobScheduleOutcome> Pause(string reason);

    /// <summary>Lets it begin jobs again: those whose time comes from now on. Safe to repeat.</summary>
    [Alias("Resume"), Requires(Permissions.JobsControl)]
    Task<JobScheduleOutcome> Resume(string reason);

    /// <summary>Forgets the schedule; jobs that have begun go on. Safe to repeat: there is none then.</summary>
    /// <returns>How it stood.</returns>
    [Alias("Delete"), Requires(Permissions.JobsControl)]
    Task<JobScheduleOutcome> Delete(string reason);
}

/// <summary>Names of schedules.</summary>
public static class JobScheduleName
{
    /// <summary>What a name must be: the ids of its jobs have 13 characters more.</summary>
    public const string Rule = "1 to 50 characters of a-z, 0-9 and '-'";

    private const int CharactersMax = 50;

    /// <summary>Whether it is one.</summary>
    public static bool IsValid(string? name) => name is { Length: <= CharactersMax } && JobId.IsValid(name);

    /// <summary>The schedule.</summary>
    public static IJobScheduleGrain GetJobSchedule(this IGrainFactory grains, string name) => grains.GetGrain<IJobScheduleGrain>(name);
}

/// <summary>What became of a call that changes a schedule.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobScheduleOutcome")]
public abstract record JobScheduleOutcome
{
    /// <param name="Schedule">How it stands now.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.JobScheduleOutcome.Accepted")]
    public sealed record Accepted([property: Id(0)] JobScheduleSnapshot Schedule) : JobScheduleOutcome;

    /// <param name="Refusal">What kind of reason.</param>
    /// <param name="Faults">Why, each in words for the caller.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.JobScheduleOutcome.Refused")]
    public sealed record Refused([property: Id(0)] JobRefusal Refusal, [property: Id(1)] IReadOnlyList<string> Faults)
        : JobScheduleOutcome;
}
