using ControlPlane.Flow;
using ControlPlane.Store;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Jobs;

/// <summary>
/// Works through a job's targets in one overlay. Each round takes what nodes answered, logs it, chooses who is next, stores that, and only
/// then sends: whatever ends the silo, no target is sent the same attempt twice.
/// </summary>
/// <remarks>Runs on its grain's scheduler, one round at a time: whoever has news has it look once more.</remarks>
internal sealed partial class OverlayJobWork : IAsyncDisposable
{
    /// <summary>Between two reports of counts alone.</summary>
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>What could not be sent is tried again after this.</summary>
    private static readonly TimeSpan ResendDelay = TimeSpan.FromSeconds(2);

    private readonly string key;
    private readonly OverlayTargets targets;
    private readonly IPersistentState<OverlayProgress> progress;
    private readonly JobContext context;
    private readonly Action<OverlayReport> tell;
    private readonly ILogger logger;
    private readonly TargetOutcomes outcomes;
    private readonly TargetChoice choice;
    private readonly ITargetCalls calls;
    private readonly CancellationTokenSource ending = new();

    private Allotment? news;
    private CancellationTokenSource? sending;
    private Task<GateVerdict>? entering;
    private OverlayReport? told;
    private DateTimeOffset toldAt;
    private string waits = "";
    private bool isGoingOn;
    private bool isDueAgain;

    public OverlayJobWork(
        string key,
        OverlayTargets targets,
        IPersistentState<OverlayProgress> progress,
        JobContext context,
        Action<OverlayReport> tell,
        ILogger logger)
    {
        (this.key, this.targets, this.progress, this.context, this.tell, this.logger) = (key, targets, progress, context, tell, logger);
        var cells = progress.State.Cells.Length == targets.Identities.Count ? progress.State.Cells : new byte[targets.Identities.Count];
        outcomes = new TargetOutcomes(targets, new TargetTable(cells, Allotment.Ends), context) { IsEnding = Allotment.IsEnded };
        choice = new TargetChoice(targets, outcomes, context);
        calls = OwnAgent.Runs(targets.Order!.Spec.Action)
            ? new NodeReprovisions(targets, context, GoOnAsync)
            : new RpcCalls(targets, context, GoOnAsync);
    }

    /// <summary>How it stands, as it is stored.</summary>
    public OverlayReport Report { get; private set; } = new();

    private Allotment Allotment => progress.State.Allotment;

    private TargetTable Table => outcomes.Table;

    /// <summary>Nothing more may be begun, by what came since the targets that are sent to were chosen.</summary>
    private bool IsStopped => news is { IsHeld: true } or { IsEnded: true };

    /// <summary>Takes up what is stored and logged.</summary>
    /// <exception cref="StoreUnavailableException">The log cannot be read now.</exception>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        // From its begin, since it also says which executions go on; of what the table has, it says the same.
        var hasRunning = Table.CountOf(TargetState.Running) > 0;
        var counted = progress.State.LogPosition;
        await foreach (var (position, results) in context.Results.ReadAsync(key, hasRunning ? 0 : counted, cancellationToken))
        {
            foreach (var result in results)
            {
                if (result.State == TargetState.Running && outcomes.FindPosition(result.Identity) is { } target)
                {
                    calls.Recall(target, result.DataJson);
                }

                if (position > counted)
                {
                    outcomes.Recall(result);
                }
            }

            progress.State = progress.State with { LogPosition = Math.Max(position, counted) };
        }

        outcomes.TakeUp(context.Now);
        Report = MakeReport();
        GoOnAsync().Ignore();
    }

    /// <summary>Goes on by an allotment, unless a later one is known.</summary>
    public void Follow(Allotment allotment)
    {
        if (allotment.Number > (news ?? Allotment).Number)
        {
            news = allotment;
        }

        // While brokers are away sending may take long: what was not sent by now is not.
        if (IsStopped)
        {
            sending?.Cancel();
        }

        GoOnAsync().Ignore();
    }

    public async Task GoOnAsync()
    {
        isDueAgain = true;
        if (isGoingOn || ending.IsCancellationRequested)
        {
            return;
        }

        isGoingOn = true;
        try
        {
            while (isDueAgain)
            {
                isDueAgain = false;
                await RoundAsync();
            }
        }
        finally
        {
            isGoingOn = false;
        }
    }

    public IEnumerable<(int Position, JobTarget Target)> Targets(int from)
    {
        for (var target = from; target < Table.Count; target++)
        {
            yield return (target, new JobTarget(
                targets.Identities[target], targets.Order!.Overlay, Table.StageOf(target), Table[target], Table.AttemptsOf(target)));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        Leave();
        await calls.DisposeAsync();
        ending.Dispose();
    }

    private async Task RoundAsync()
    {
        var now = context.Now;
        calls.Take(outcomes, now);
        outcomes.GiveUp(now);
        if (!await LogAsync())
        {
            return;
        }

        Adopt(now);
        calls.Ask(outcomes, now);
        var why = choice.WhyNot(Allotment, now);
        waits = why is { Length: > 0 } ? why : Report.IsAtRest ? "" : calls.Fault ?? "";
        IReadOnlyList<int> chosen = why is null && calls.Room > 0 && IsIn() ? await choice.TakeAsync(Allotment, calls.Room, now) : [];
        try
        {
            await StoreAsync(chosen);
            await SendAsync(chosen);
        }
        finally
        {
            Leave(chosen);
        }

        TellIfDue(now);
    }

    // What came of targets is logged before: a table that is stored holds nothing that cannot be read.
    private void Adopt(DateTimeOffset now)
    {
        if (news is not { } allotment)
        {
            return;
        }

        var isRetry = allotment.Retries > Allotment.Retries;
        progress.State = progress.State with { Allotment = allotment };
        news = null;
        Table.SetEnds(allotment.Ends);
        outcomes.IsEnding = allotment.IsEnded;
        outcomes.IsChanged = true;
        if (isRetry)
        {
            outcomes.TryAgain(allotment.RetryStates);
        }

        if (allotment.IsEnded)
        {
            outcomes.CancelPending(now);
            isDueAgain = true;
        }
    }

    private async Task<bool> LogAsync()
    {
        try
        {
            if (await outcomes.LogAsync(key, $"{progress.State.Version}-{progress.State.LogPosition}") is { } position)
            {
                progress.State = progress.State with { LogPosition = position };
                outcomes.IsChanged = true;
            }

            return true;
        }
        catch (StoreUnavailableException away)
        {
            // Nothing new is sent meanwhile, so that no more than is under way waits here.
            waits = $"results cannot be logged: {away.Message}";
            LogNotLogged(key, outcomes.UnloggedCount, away.Message);
            return false;
        }
    }

    private async Task StoreAsync(IReadOnlyList<int> chosen)
    {
        if (!outcomes.IsChanged && chosen.Count == 0)
        {
            return;
        }

        outcomes.IsChanged = false;
        try
        {
            await progress.ReplaceAsync(progress.State with { Cells = Table.ToBytes(), Version = progress.State.Version + 1 });
        }
        catch
        {
            // Stored or not: nothing was sent, and they are chosen again.
            foreach (var target in chosen)
            {
                Table.Undo(target);
                outcomes.Queue.PutBack(target);
            }

            outcomes.IsChanged = true;
            throw;
        }

        Report = MakeReport();
    }

    private async Task SendAsync(IReadOnlyList<int> chosen)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
        sending = stop;
        try
        {
            foreach (var group in chosen.GroupBy(Table.AttemptsOf).ToArray())
            {
                await SendAsync(group.Key, [.. group], stop.Token);
            }
        }
        finally
        {
            sending = null;
        }
    }

    private async Task SendAsync(int attempt, IReadOnlyList<int> same, CancellationToken cancellationToken)
    {
        var sent = IsStopped ? 0 : await calls.SendAsync(attempt, same, cancellationToken);
        context.Meter.Dispatched(sent);
        var now = context.Now;
        foreach (var target in same.Take(sent))
        {
            outcomes.Await(target, now);
        }

        foreach (var target in same.Skip(sent))
        {
            // Surely not sent: the same attempt is made later.
            Table.Undo(target);
            outcomes.Queue.Postpone(target, now + ResendDelay);
            outcomes.IsChanged = true;
            waits = calls.Fault ?? "the network is away";
        }
    }

    // Its turn among the jobs of this silo.
    private bool IsIn()
    {
        if (entering is null)
        {
            entering = context.Gate.EnterAsync(JobContext.TicketOf(targets.Order!), CancellationToken.None);
            if (!entering.IsCompleted)
            {
                GoOnAfterAsync(entering).Ignore();
            }
        }

        if (entering is { IsCompletedSuccessfully: true, Result: GateVerdict.Deferred })
        {
            // As many wait as may: the next tick looks again.
            entering = null;
        }

        return entering is { IsCompletedSuccessfully: true };
    }

    private async Task GoOnAfterAsync(Task<GateVerdict> entered)
    {
        var verdict = await entered;
        if (ending.IsCancellationRequested)
        {
            // It ended while it waited: a place that nobody takes would be one fewer for ever.
            (verdict as GateVerdict.Admitted)?.Dispose();
            return;
        }

        await GoOnAsync();
    }

    private void Leave(IReadOnlyList<int> sent)
    {
        if (entering is not { IsCompletedSuccessfully: true })
        {
            return;
        }

        Leave();

        // There may be room for more when it is its turn again.
        isDueAgain |= sent.Count > 0;
    }

    private void Leave()
    {
        if (entering is { IsCompletedSuccessfully: true, Result: GateVerdict.Admitted place })
        {
            place.Dispose();
        }

        entering = null;
    }

    private OverlayReport MakeReport()
    {
        var isAtRest = Table.CountOf(TargetState.Dispatched) == 0 && Table.CountOf(TargetState.Running) == 0 && outcomes.Unknown.Count == 0
            && Enumerable.Range(0, Allotment.Ends.Count).All(stage => Table.CountOf(TargetState.Pending, stage) == 0);
        return new OverlayReport
        {
            Version = progress.State.Version,
            Allotment = Allotment.Number,
            IsPrepared = true,
            Preparation = targets.Order!.Preparation,
            Targets = Table.Count,
            Stages = Table.Counts,
            IsAtRest = isAtRest,
            Fired = choice.FiredOrNull(Allotment),
            Waits = waits,
            IsSettled = Allotment.IsEnded && isAtRest && Table.CountOf(TargetState.Pending) == 0 && outcomes.UnloggedCount == 0,
        };
    }

    // At once when something follows from it; counts alone a few times a second.
    private void TellIfDue(DateTimeOffset now)
    {
        Report = Report with { Waits = waits };
        if (told is not null && told.Version == Report.Version && told.Waits == waits)
        {
            return;
        }

        var follows = Report.IsAtRest || Report.Fired is not null || Report.Allotment != told?.Allotment;
        if (follows || toldAt + ReportInterval <= now)
        {
            (told, toldAt) = (Report, now);
            tell(Report);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Count} results of {Part} cannot be logged now, and nothing new is sent: {Reason}")]
    private partial void LogNotLogged(string part, int count, string reason);
}
