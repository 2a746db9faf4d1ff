using ControlPlane.Access;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Storage;

namespace ControlPlane.Jobs;

/// <summary>
/// See <see cref="IOverlayJobGrain"/>. What it does is decided by <see cref="OverlayJobWork"/>; here it is stored and told.
/// </summary>
[GrainType("overlay-job"), Reentrant]
internal sealed partial class OverlayJobGrain(
    [PersistentState("targets", Stores.Fleet)] IPersistentState<OverlayTargets> targets,
    [PersistentState("progress", Stores.Fleet)] IPersistentState<OverlayProgress> progress,
    JobContext context,
    JobAuthority authority,
    JobSites sites,
    JobIndex index,
    ILogger<OverlayJobGrain> logger) : Grain, IOverlayJobGrain, IAsyncDisposable
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PreparePatience = TimeSpan.FromSeconds(60);

    /// <summary>Over a link, results of more than so many characters go in several pages.</summary>
    private const int PageCharactersMax = 256 * 1024;

    private OverlayJobWork? work;
    private IGrainTimer? ticking;
    private Task? preparing;
    private DateTimeOffset listedAt;
    private string waitsFor = "";

    private string Key => this.GetPrimaryKeyString();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (targets.State is { Order: not null, Fault: null })
        {
            await BeginAsync(cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => work?.DisposeAsync() ?? default;

    public async Task<OverlayReport> Prepare(OverlayJobOrder order)
    {
        if (IsToFind(order) || (work is null && targets.State.Fault is null))
        {
            preparing = preparing is { IsCompleted: false } ? preparing : PrepareAsync(order);
            await preparing;
        }

        return Report();
    }

    // Anew only for the job's own site, and not when something was allotted: then it has begun.
    private bool IsToFind(OverlayJobOrder order) => targets.State.Order is not { } known
        || (order.Preparation > known.Preparation && order.Site == known.Site && progress.State.Allotment.Number == 0);

    public async Task<OverlayDryRun> DryRun(OverlayJobOrder order)
    {
        using var patience = new CancellationTokenSource(PreparePatience, context.Time);
        try
        {
            var found = await context.Discovery.FindAsync(order, patience.Token);
            string[] identities = [.. found.Select(node => node.Identity)];
            await authority.CheckAsync(order, identities, patience.Token);
            return new OverlayDryRun(identities.Length, identities[..Math.Min(identities.Length, JobDryRun.NodesMax)]);
        }
        catch (Exception refused) when (refused is AccessDeniedException or FormatException or JobNotReadyException
            or Store.StoreUnavailableException or OperationCanceledException)
        {
            return OverlayDryRun.None with { Fault = refused.Message };
        }
    }

    public async Task<OverlayReport> Allot(string? site, Allotment allotment)
    {
        if (work is not null && (site is null || site == targets.State.Order?.Site))
        {
            if (ticking is null)
            {
                // It was settled, and goes on.
                await index.WriteUnfinishedPartAsync(Key, CancellationToken.None);
                Tick();
            }

            work.Follow(allotment);
        }

        return Report();
    }

    public Task<OverlayTargetPage> ListTargets(IReadOnlyList<TargetState> states, int after, int limit)
    {
        var page = work?.Targets(after + 1).Where(target => states.Count == 0 || states.Contains(target.Target.State))
            .Take(limit).ToArray() ?? [];
        return Task.FromResult(new OverlayTargetPage(
            [.. page.Select(target => target.Target)], page.Length < limit ? null : page[^1].Position));
    }

    public async Task<OverlayResultPage> ListResults(IReadOnlyList<TargetState> states, ulong after, int skip, int limit)
    {
        var results = new List<JobResult>();
        var characters = 0;
        await foreach (var (position, record) in context.Results.ReadAsync(Key, after, CancellationToken.None))
        {
            for (; skip < record.Count; skip++)
            {
                if (results.Count == limit || characters > PageCharactersMax)
                {
                    return new OverlayResultPage(results, after, skip, IsEnd: false);
                }

                if (states.Count == 0 || states.Contains(record[skip].State))
                {
                    results.Add(record[skip]);
                    characters += record[skip].DataJson?.Length ?? 0;
                }
            }

            (after, skip) = (position, 0);
        }

        return new OverlayResultPage(results, after, 0, IsEnd: true);
    }

    public Task<bool> Wake() => Task.FromResult(work is { Report.IsSettled: false } || preparing is { IsCompleted: false });

    // Known to the silos before it is stored: if this one ends in between, the next one finds nothing to go on with, and forgets it.
    private async Task PrepareAsync(OverlayJobOrder order)
    {
        using var patience = new CancellationTokenSource(PreparePatience, context.Time);
        try
        {
            waitsFor = "";
            await index.WriteUnfinishedPartAsync(Key, patience.Token);
            if (!IsToFind(order))
            {
                await BeginAsync(patience.Token);
                return;
            }

            await EndWorkAsync();
            var found = await context.Discovery.FindAsync(order, patience.Token);
            string[] identities = [.. found.Select(node => node.Identity)];
            await authority.InvokeAsync(
                order,
                identities,
                concurrencyMax => targets.ReplaceAsync(new OverlayTargets
                {
                    Order = order,
                    Identities = identities,
                    Protocols = [.. found.Select(node => (byte)node.Protocol)],
                    ConcurrencyMax = concurrencyMax,
                }),
                patience.Token);
            await BeginAsync(patience.Token);
        }
        catch (Exception refused) when (refused is AccessDeniedException or FormatException)
        {
            await targets.ReplaceAsync(new OverlayTargets { Order = order, Fault = refused.Message });
        }
        catch (Exception notNow) when (notNow is JobNotReadyException or AuditUnavailableException or Store.StoreUnavailableException
            or OperationCanceledException)
        {
            waitsFor = notNow.Message;
        }
    }

    // What was found before is worked on no more, whatever comes meanwhile.
    private async Task EndWorkAsync()
    {
        ticking?.Dispose();
        (ticking, var ended) = (null, work);
        work = null;
        if (ended is not null)
        {
            await ended.DisposeAsync();
        }
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        var begun = new OverlayJobWork(Key, targets.State, progress, context, Tell, logger);
        try
        {
            await begun.BeginAsync(cancellationToken);
        }
        catch
        {
            await begun.DisposeAsync();
            throw;
        }

        work = begun;
        Tick();
    }

    // Kept alive while there is something to do: nobody calls it then.
    private void Tick() => ticking = this.RegisterGrainTimer(
        async token =>
        {
            await context.Loops.RoundAsync("job in an overlay", _ => GoOnAsync(), token);
            if (work is { Report.IsSettled: true })
            {
                await context.Loops.RoundAsync("job in an overlay", SettleAsync, token);
            }
        },
        new GrainTimerCreationOptions(TickInterval, TickInterval) { Interleave = true, KeepAlive = true });

    private async Task GoOnAsync()
    {
        var now = context.Now;
        if (listedAt + JobIndex.RewriteInterval <= now)
        {
            await index.WriteUnfinishedPartAsync(Key, CancellationToken.None);
            listedAt = now;
        }

        try
        {
            await (work?.GoOnAsync() ?? Task.CompletedTask);
        }
        catch (InconsistentStateException)
        {
            // Another activation goes on with it.
            DeactivateOnIdle();
            throw;
        }
    }

    // Not before the job's own site has heard it: until then it is told again. One that does not know the job has nothing to hear.
    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        await sites.HearAsync(targets.State.Order!, Report());
        await index.RemoveUnfinishedPartAsync(Key, cancellationToken);
        ticking?.Dispose();
        ticking = null;
    }

    private OverlayReport Report() => targets.State switch
    {
        { Fault: { } fault, Order: { } order } => new OverlayReport { Fault = fault, IsSettled = true, Preparation = order.Preparation },
        { Order: var order } => work?.Report ?? new OverlayReport { Waits = waitsFor, Preparation = order?.Preparation ?? 0 },
    };

    private void Tell(OverlayReport report) => TellAsync(report).Ignore();

    private async Task TellAsync(OverlayReport report)
    {
        try
        {
            await sites.HearAsync(targets.State.Order!, report);
        }
        catch (Exception away) when (away is not OutOfMemoryException)
        {
            // It asks by itself, and then hears what holds by then.
            LogNotTold(Key, away.Message);
        }
    }

    [LoggerMessage(LogLevel.Debug, "How {Part} stands was not told to the site of its job: {Reason}")]
    private partial void LogNotTold(string part, string reason);
}
