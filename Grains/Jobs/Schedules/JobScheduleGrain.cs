using ControlPlane.Access;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace ControlPlane.Jobs;

/// <summary>
/// See <see cref="IJobScheduleGrain"/>. What it does is in <see cref="JobScheduleWork"/>; here it is checked who asks for what.
/// </summary>
[GrainType("job-schedule")]
internal sealed class JobScheduleGrain : Grain, IInternalJobScheduleGrain
{
    private const int SchedulesMax = 1_000;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(5);

    private readonly JobContext context;
    private readonly JobChecks checks;
    private readonly JobScheduleIndex index;
    private readonly JobScheduleWork work;
    private IGrainTimer? ticking;

    public JobScheduleGrain(
        [PersistentState("schedule", Stores.Fleet)] IPersistentState<JobScheduleRecord> schedule,
        JobContext context,
        JobChecks checks,
        JobScheduleIndex index,
        ILogger<JobScheduleGrain> logger)
    {
        (this.context, this.checks, this.index) = (context, checks, index);
        work = new JobScheduleWork(Name, schedule, index, GrainFactory.GetJob, context.Time, logger);
    }

    private string Name => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        Begin();
        return Task.CompletedTask;
    }

    public async Task<JobScheduleOutcome> Apply(JobSchedule schedule)
    {
        using var patience = context.BeginCheck();
        var (_, wrong) = await checks.CheckAsync(schedule.Job, patience.Token);
        IReadOnlyList<string> faults = [.. JobScheduleCheck.Faults(Name, schedule), .. wrong.Select(fault => $"job.{fault}")];
        if (faults.Count > 0)
        {
            return new JobScheduleOutcome.Refused(JobRefusal.InvalidSpec, faults);
        }

        if (work.Record.Schedule is null && (await index.ListAsync(patience.Token)).Count >= SchedulesMax)
        {
            return Refused(JobRefusal.TooManySchedules, $"there are {SchedulesMax} schedules, as many as a site has; delete one");
        }

        var caller = CallerContext.Current;
        if (work.Record.OtherOwnerOrNull(caller) is { } owner)
        {
            return Refused(JobRefusal.AnotherOwner, $"it is {owner}'s: delete it first, or give this one another name");
        }

        await work.ApplyAsync(schedule, JobSubmitter.Of(caller));
        Begin();
        return Accepted();
    }

    public Task<JobScheduleSnapshot?> Get() =>
        Task.FromResult(work.Record.Schedule is null ? null : work.Record.ToSnapshot(Name, context.Now));

    public Task<JobScheduleOutcome> Pause(string reason) =>
        ChangeAsync(() => work.PauseAsync($"paused by {CallerContext.Actor}: {reason}"));

    public Task<JobScheduleOutcome> Resume(string reason) => ChangeAsync(work.ResumeAsync);

    public async Task<JobScheduleOutcome> Delete(string reason)
    {
        if (work.Record.Schedule is null)
        {
            return Unknown();
        }

        var before = Accepted();
        await work.DeleteAsync();
        return before;
    }

    public Task<bool> Wake() => Task.FromResult(work.Record.Schedule is not null);

    // Kept alive while there is a schedule: nobody calls it when its time comes.
    private void Begin()
    {
        if (work.Record.Schedule is not null)
        {
            ticking ??= this.RegisterGrainTimer(
                token => context.Loops.RoundAsync("job-schedule", _ => GoOnAsync(), token),
                new GrainTimerCreationOptions(TimeSpan.Zero, Tick) { KeepAlive = true });
        }
    }

    private async Task GoOnAsync()
    {
        if (work.Record.Schedule is null)
        {
            ticking?.Dispose();
            ticking = null;
            return;
        }

        try
        {
            await work.GoOnAsync();
        }
        catch (InconsistentStateException)
        {
            // Another activation goes on with it.
            DeactivateOnIdle();
            throw;
        }
    }

    private async Task<JobScheduleOutcome> ChangeAsync(Func<Task> change)
    {
        if (work.Record.Schedule is null)
        {
            return Unknown();
        }

        await change();
        return Accepted();
    }

    private JobScheduleOutcome.Accepted Accepted() => new(work.Record.ToSnapshot(Name, context.Now));

    private JobScheduleOutcome.Refused Unknown() => Refused(JobRefusal.UnknownSchedule, $"there is no schedule {Name}");

    private static JobScheduleOutcome.Refused Refused(JobRefusal refusal, string detail) => new(refusal, [detail]);
}
