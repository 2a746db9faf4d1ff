namespace ControlPlane.Jobs;

/// <summary>A schedule as the API gives it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Schedule">What it begins, and when; it may be applied again as it is.</param>
/// <param name="Owner">Who applied it: its jobs are theirs.</param>
/// <param name="AppliedAt">When it was applied last.</param>
/// <param name="PausedBecause">Who paused it, and why; null while it is not paused.</param>
/// <param name="NextRun">When it begins its next job; null while it is paused.</param>
/// <param name="LastRun">What came of the last time that was due; null before the first.</param>
/// <param name="LastJob">The last job that it began; null before the first.</param>
/// <param name="Version">Grows with every change.</param>
internal sealed record JobScheduleView(
    string Name,
    JobScheduleBody Schedule,
    string Owner,
    DateTimeOffset AppliedAt,
    string? PausedBecause,
    DateTimeOffset? NextRun,
    ScheduledRun? LastRun,
    string? LastJob,
    int Version)
{
    public static JobScheduleView Of(JobScheduleSnapshot snapshot) => new(
        snapshot.Name,
        new JobScheduleBody(snapshot.Schedule.Cron, JobBodies.Of(snapshot.Schedule.Job))
        {
            TimeZone = snapshot.Schedule.TimeZone,
            Missed = snapshot.Schedule.Missed,
            Overlap = snapshot.Schedule.Overlap,
        },
        snapshot.Owner,
        snapshot.AppliedAt,
        snapshot.PausedBecause,
        snapshot.NextRun,
        snapshot.LastRun,
        snapshot.LastJob,
        snapshot.Version);
}
