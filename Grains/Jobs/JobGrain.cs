using System.Security.Cryptography;
using System.Text.Json;
using ControlPlane.Access;
using ControlPlane.Sites;
using ControlPlane.Store;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Storage;

namespace ControlPlane.Jobs;

/// <summary>
/// See <see cref="IJobGrain"/>. What it does next is decided by <see cref="JobDecision"/>; here it is stored, and overlays are told.
/// </summary>
[GrainType("job"), Reentrant]
internal sealed partial class JobGrain(
    [PersistentState("job", Stores.Fleet)] IPersistentState<JobRecord> job,
    JobContext context,
    JobSites sites,
    JobIndex index,
    JobChecks checks,
    JobReceivers receivers,
    ILogger<JobGrain> logger) : Grain, IInternalJobGrain, IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FollowPatienceMax = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim changing = new(1);
    private readonly OverlayCalls calls = new();
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private JobSummary? listed;
    private DateTimeOffset listedAt;
    private IGrainTimer? ticking;
    private JobOutbox? outbox;

    private string Id => this.GetPrimaryKeyString();

    private JobRecord Record => job.State;

    private JobOutbox Outbox => outbox ??= new JobOutbox(
        Id, () => Record, (change, answer) => ChangeAsync(change, gate: answer), receivers, context, logger);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (Record is { Spec: not null, IsSettled: false })
        {
            Begin();
        }

        return Task.CompletedTask;
    }

    public async Task<JobOutcome> Submit(JobSpec spec)
    {
        var caller = CallerContext.Current;
        var digest = DigestOf(spec, caller);
        if (Record.Spec is not null)
        {
            return Record.Digest == digest
                ? new JobOutcome.Accepted(Record.ToSnapshot(Id))
                : Refused(JobRefusal.AnotherJob, $"another job was submitted as {Id}");
        }

        using var patience = context.BeginCheck();
        var (completed, faults) = JobId.IsValid(Id)
            ? await checks.CheckAsync(spec, patience.Token)
            : (spec, [$"the id must be {JobId.Rule}"]);
        if (faults.Count > 0)
        {
            return new JobOutcome.Refused(JobRefusal.InvalidSpec, faults);
        }

        if (index.UnfinishedCount >= context.Options.UnfinishedMax)
        {
            return Refused(JobRefusal.TooManyJobs, $"{index.UnfinishedCount} jobs are unfinished, as many as Jobs:UnfinishedMax allows");
        }

        var submitted = new JobRecord
        {
            Spec = completed,
            Digest = digest,
            Submitter = JobSubmitter.Of(caller),
            SubmittedAt = context.Now,
            Overlays = [.. sites.OverlaysOf(spec).Select(overlay => new OverlayShare(overlay))],
        };

        // Known to the silos before it is stored: whatever ends this one, the job is taken up again.
        await index.WriteUnfinishedAsync(submitted.ToSummary(Id), CancellationToken.None);
        await ChangeAsync(record => record.Spec is not null ? record : submitted);
        context.Meter.Submitted();
        LogSubmitted(Id, spec.Action.Agent, spec.Action.Name, caller.Principal);
        Begin();
        return Record.Digest == digest
            ? new JobOutcome.Accepted(Record.ToSnapshot(Id))
            : Refused(JobRefusal.AnotherJob, $"another job was submitted as {Id}");
    }

    public Task<JobSnapshot?> Get() => Task.FromResult(Record.Spec is null ? null : Record.ToSnapshot(Id));

    public async Task<JobSnapshot?> Follow(int afterVersion, TimeSpan patience)
    {
        patience = patience < FollowPatienceMax ? patience : FollowPatienceMax;
        if (Record.Spec is not null && Record.Version <= afterVersion && patience > TimeSpan.Zero)
        {
            await changed.Task.WaitAsync(patience, context.Time)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        return await Get();
    }

    public async Task<JobTargetPage> ListTargets(IReadOnlyList<TargetState> states, string? after, int limit)
    {
        limit = Math.Clamp(limit, 1, IJobGrain.TargetsPageMax);
        var cursor = JobCursor.Read(after);
        var (found, unreachable) = (new List<JobTarget>(), new List<string>());
        while (cursor.Overlay < Record.Overlays.Count && found.Count < limit)
        {
            var page = await ListAsync(Record.Overlays[cursor.Overlay], unreachable, overlay =>
                sites.ListTargetsAsync(Id, overlay, states, (int)cursor.Position - 1, limit - found.Count));
            found.AddRange(page?.Targets ?? []);
            cursor = page?.Next is { } last
                ? cursor with { Position = (ulong)last + 1 }
                : new JobCursor(cursor.Overlay + 1, Position: 0, Skip: 0);
        }

        return new JobTargetPage(found, cursor.Overlay < Record.Overlays.Count ? $"{cursor}" : null) { Unreachable = unreachable };
    }

    public async Task<JobResultPage> ListResults(IReadOnlyList<TargetState> states, string? after, int limit)
    {
        limit = Math.Clamp(limit, 1, IJobGrain.ResultsPageMax);
        var cursor = JobCursor.Read(after);
        var (found, unreachable) = (new List<JobResult>(), new List<string>());
        while (cursor.Overlay < Record.Overlays.Count)
        {
            var page = await ListAsync(Record.Overlays[cursor.Overlay], unreachable, overlay =>
                sites.ListResultsAsync(Id, overlay, states, cursor.Position, cursor.Skip, limit - found.Count));
            found.AddRange(page?.Results ?? []);
            if (page is { IsEnd: false })
            {
                cursor = cursor with { Position = page.Position, Skip = page.Skip };
                return new JobResultPage(found, $"{cursor}") { Unreachable = unreachable };
            }

            cursor = new JobCursor(cursor.Overlay + 1, Position: 0, Skip: 0);
        }

        return new JobResultPage(found, null) { Unreachable = unreachable };
    }

    public Task<JobOutcome> Approve(string reason) =>
        CommandAsync(record => JobCommand.Approve(record, CallerContext.Actor, reason));

    public Task<JobOutcome> Pause(string reason) =>
        CommandAsync(record => JobCommand.Pause(record, CallerContext.Actor, reason));

    public Task<JobOutcome> Resume(string reason) => CommandAsync(JobCommand.Resume);

    public Task<JobOutcome> Advance(int stage, string reason) => CommandAsync(record => JobCommand.Advance(record, stage, context.Now));

    public Task<JobOutcome> Retry(IReadOnlyList<TargetState> states, string reason) =>
        CommandAsync(record => JobCommand.Retry(record, states, context.Now));

    public Task<JobOutcome> Abort(string reason) =>
        CommandAsync(record => JobCommand.Abort(record, CallerContext.Actor, reason, context.Now));

    public async Task Hear(string overlay, OverlayReport report)
    {
        if (Record.Spec is not null && Record.Overlays.Any(share => share.Overlay == overlay))
        {
            await ChangeAsync(record => record.Heard(overlay, report, context.Now));

            // Its part may have been found when the job had ended already: it is to be told so.
            if (!Record.IsSettled)
            {
                Begin();
            }
        }
    }

    public void Dispose() => changing.Dispose();

    public async Task<bool> Wake()
    {
        if (Record is { Spec: not null, IsSettled: true })
        {
            // Its silo ended before that was listed.
            await index.WriteEndedAsync(Record.ToSummary(Id), CancellationToken.None);
        }

        return Record is { Spec: not null, IsSettled: false };
    }

    // Kept alive while something is left to do: nobody calls it then.
    private void Begin() => ticking ??= this.RegisterGrainTimer(
        token => context.Loops.RoundAsync("job", _ => GoOnAsync(), token),
        new GrainTimerCreationOptions(TimeSpan.Zero, Tick) { Interleave = true, KeepAlive = true });

    private async Task GoOnAsync()
    {
        var after = await FindAfterAsync();
        await ChangeAsync(record => record, after);
        TellAll();
        Outbox.GoOn();
        await ListAsync();
    }

    private async Task<JobOutcome> CommandAsync(Func<JobRecord, CommandVerdict> command)
    {
        if (Record.Spec is null)
        {
            return Refused(JobRefusal.UnknownJob, $"there is no job {Id}");
        }

        // It may be settled, and go on then: known to the silos before that is stored.
        CommandVerdict? verdict = null;
        if (ticking is null && command(Record).Job is not null)
        {
            await index.WriteUnfinishedAsync(Record.ToSummary(Id), CancellationToken.None);
        }

        await ChangeAsync(record =>
        {
            verdict = command(record);
            return verdict.Job ?? record;
        });
        if (verdict!.Job is null)
        {
            return Refused(verdict.Refusal, verdict.Detail);
        }

        Begin();
        return new JobOutcome.Accepted(Record.ToSnapshot(Id));
    }

    // One change at a time, each stored before anybody is told of it.
    private async Task ChangeAsync(
        Func<JobRecord, JobRecord> change, IReadOnlyDictionary<string, JobState?>? after = null, GateAnswer? gate = null)
    {
        await changing.WaitAsync();
        try
        {
            var facts = new JobFacts(context.Now, context.Options) { Gate = gate };
            var before = Record;
            var next = JobDecision.Next(before, change(before), after is null ? facts : facts with { After = after });
            if (ReferenceEquals(next, before))
            {
                return;
            }

            await job.ReplaceAsync(next);
            if (next.IsEnded && !before.IsEnded)
            {
                context.Meter.Ended(next.State);
                LogEnded(Id, next.State, next.Reason);
            }

            changed.SetResult();
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        catch (InconsistentStateException)
        {
            // Another activation goes on with it.
            DeactivateOnIdle();
            throw;
        }
        finally
        {
            changing.Release();
        }

        TellAll();
        Outbox.GoOn();
    }

    private void TellAll()
    {
        foreach (var share in calls.Due(Record, context.Now).ToArray())
        {
            context.Loops.RoundAsync("job", _ => TellAsync(share), CancellationToken.None).Ignore();
        }
    }

    private async Task TellAsync(OverlayShare share)
    {
        calls.Begin(Record, share, context.Now);
        try
        {
            var order = new OverlayJobOrder(Id, share.Overlay, sites.Here, Record.Spec!, Record.Submitter)
            {
                Preparation = Record.Preparation,
            };
            var report = OverlayCalls.IsToPrepare(Record, share)
                ? await sites.PrepareAsync(order)
                : await sites.AllotAsync(Id, share.Overlay, share.Allotment);
            await ChangeAsync(record => record.Heard(share.Overlay, report, context.Now));
        }
        catch (Exception away) when (away is SiteUnreachableException or TimeoutException or StoreUnavailableException or OrleansException)
        {
            LogAway(Id, share.Overlay, away.Message);
            await ChangeAsync(record => record.NotHeard(share.Overlay, context.Now));
        }
        finally
        {
            calls.End(share);
        }

        // What follows from its answer was not told while it was called.
        TellAll();
    }

    private async Task<IReadOnlyDictionary<string, JobState?>?> FindAfterAsync()
    {
        if (Record is not { State: JobState.Waiting, Spec.After: { Count: > 0 } after })
        {
            return null;
        }

        var states = await Task.WhenAll(after.Select(async before => (before, (await GrainFactory.GetJob(before).Get())?.State)));
        return states.ToDictionary(one => one.before, one => one.State, StringComparer.Ordinal);
    }

    // One that is cut off does not keep the others' from whoever looks. While it is known to be, it is not waited for.
    private static async Task<T?> ListAsync<T>(OverlayShare share, List<string> unreachable, Func<string, Task<T>> ask)
        where T : class
    {
        try
        {
            if (!share.IsAway)
            {
                return await ask(share.Overlay);
            }
        }
        catch (SiteUnreachableException)
        {
        }

        unreachable.Add(share.Overlay);
        return null;
    }

    // Lists are a copy: they may lag, and are written again until they do not.
    private async Task ListAsync()
    {
        var (summary, now) = (Record.ToSummary(Id), context.Now);
        if (Record.IsSettled)
        {
            await index.WriteEndedAsync(summary, CancellationToken.None);
            ticking?.Dispose();
            (ticking, listed) = (null, null);
        }
        else if (summary != listed || listedAt + JobIndex.RewriteInterval <= now)
        {
            await index.WriteUnfinishedAsync(summary, CancellationToken.None);
            (listed, listedAt) = (summary, now);
        }
    }

    private static string DigestOf(JobSpec spec, Caller caller) => Convert.ToHexStringLower(
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(new { spec, caller.Principal })));

    private static JobOutcome.Refused Refused(JobRefusal refusal, string detail) => new(refusal, [detail]);

    [LoggerMessage(LogLevel.Information, "Job {Job}: {Agent}#{Action} was submitted by {Principal}")]
    private partial void LogSubmitted(string job, string agent, string action, string principal);

    [LoggerMessage(LogLevel.Information, "Job {Job} is {State}. {Reason}")]
    private partial void LogEnded(string job, JobState state, string reason);

    [LoggerMessage(LogLevel.Warning, "Job {Job}: {Overlay} does not answer and is asked again: {Reason}")]
    private partial void LogAway(string job, string overlay, string reason);
}
