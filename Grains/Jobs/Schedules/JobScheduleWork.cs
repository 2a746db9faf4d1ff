using ControlPlane.Access;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Jobs;

/// <summary>
/// What a schedule does when a time comes: it is decided and stored that its job is due, the job is submitted, and that is stored.
/// </summary>
/// <remarks>
/// Whatever ends in between, the next round submits the same job under the same id, which is taken once. Of two that do it at once, one
/// stores and the other cannot.
/// </remarks>
internal sealed partial class JobScheduleWork(
    string name,
    IPersistentState<JobScheduleRecord> stored,
    JobScheduleIndex index,
    Func<string, IJobGrain> jobs,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>The list is written again so often, in case it was lost.</summary>
    private static readonly TimeSpan ListInterval = TimeSpan.FromMinutes(10);

    private JobScheduleSummary? listed;
    private DateTimeOffset listedAt;

    public JobScheduleRecord Record => stored.State;

    private DateTimeOffset Now => time.GetUtcNow();

    public async Task ApplyAsync(JobSchedule schedule, JobSubmitter owner)
    {
        var next = Record.Applied(schedule, owner, Now);

        // Known to the silos before it is stored: if this one ends in between, they find nothing to wake, and forget it.
        await index.WriteAsync(next.ToSummary(name, Now), CancellationToken.None);
        await ChangeAsync(next);
    }

    public Task PauseAsync(string because) => ChangeAsync(Record.Paused(because));

    public Task ResumeAsync() => ChangeAsync(Record.Resumed(Now));

    public async Task DeleteAsync()
    {
        await ChangeAsync(new JobScheduleRecord { Version = Record.Version });
        await index.RemoveAsync(name, CancellationToken.None);
    }

    /// <summary>One look at what is due.</summary>
    public async Task GoOnAsync()
    {
        if (Record.Schedule is null)
        {
            return;
        }

        var unfinished = ScheduleDecision.DueOrNull(Record, Now) is null ? null : await FindUnfinishedAsync();
        await ChangeAsync(ScheduleDecision.Next(Record, name, Now, unfinished));
        if (Record is { LastRun: { State: ScheduledRunState.Due } due, PausedBecause: null })
        {
            await SubmitAsync(due);
        }

        await ListAsync();
    }

    // Also one that is due: it may have been submitted before that could be stored.
    private async Task<string?> FindUnfinishedAsync()
    {
        foreach (var job in new[] { Record.LastJob, Record.LastRun?.Job }.OfType<string>().Distinct(StringComparer.Ordinal))
        {
            if ((await jobs(job).Get())?.State is not (null or JobState.Completed or JobState.Aborted or JobState.Failed))
            {
                return job;
            }
        }

        return null;
    }

    private async Task SubmitAsync(ScheduledRun run)
    {
        // What is set here holds for the calls of this method alone.
        CallerContext.Current = Record.Owner.ToCaller();
        switch (await jobs(run.Job).Submit(Record.Schedule!.Job))
        {
            case JobOutcome.Accepted:
                await ChangeAsync(Record with { LastRun = run with { State = ScheduledRunState.Begun, Reason = "" }, LastJob = run.Job });
                break;
            case JobOutcome.Refused { Refusal: JobRefusal.TooManyJobs } waits:
                await ChangeAsync(Record with { LastRun = run with { Reason = string.Join("; ", waits.Faults) } });
                break;
            case JobOutcome.Refused refused:
                var why = string.Join("; ", refused.Faults);
                await ChangeAsync(Record with { LastRun = run with { State = ScheduledRunState.Refused, Reason = why } });
                break;
        }
    }

    private async Task ChangeAsync(JobScheduleRecord next)
    {
        var before = Record;
        if (next == before)
        {
            return;
        }

        await stored.ReplaceAsync(next with { Version = before.Version + 1 });
        if (next.LastRun is { } run && run != before.LastRun)
        {
            if (run.State is ScheduledRunState.Due or ScheduledRunState.Begun)
            {
                LogRun(name, run.Job, run.State, run.Reason);
            }
            else
            {
                LogNotBegun(name, run.Job, run.State, run.Reason);
            }
        }
    }

    private async Task ListAsync()
    {
        var summary = Record.ToSummary(name, Now);
        if (summary != listed || Now - listedAt >= ListInterval)
        {
            await index.WriteAsync(summary, CancellationToken.None);
            (listed, listedAt) = (summary, Now);
        }
    }

    [LoggerMessage(LogLevel.Information, "Schedule {Schedule}: the job {Job} is {State}. {Reason}")]
    private partial void LogRun(string schedule, string job, ScheduledRunState state, string reason);

    [LoggerMessage(LogLevel.Warning, "Schedule {Schedule}: the job {Job} did not begin, it is {State}. {Reason}")]
    private partial void LogNotBegun(string schedule, string job, ScheduledRunState state, string reason);
}
