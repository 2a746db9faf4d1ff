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
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PreparePatience = TimeSpan.FromSeconds(60);

    private OverlayJobWork? work;
    private IGrainTimer? ticking;
    private Task? preparing;
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
        if (targets.State.Order is null)
        {
            preparing = preparing is { IsCompleted: false } ? preparing : PrepareAsync(order);
            await preparing;
        }

        return Report();
    }

    public Task<OverlayReport> Allot(string? site, Allotment allotment)
    {
        if (site is null || site == targets.State.Order?.Site)
        {
            work?.Follow(allotment);
        }

        return Task.FromResult(Report());
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
        await foreach (var (position, record) in context.Results.ReadAsync(Key, after, CancellationToken.None))
        {
            for (; skip < record.Count; skip++)
            {
                if (results.Count == limit)
                {
                    return new OverlayResultPage(results, after, skip, IsEnd: false);
                }

                if (states.Count == 0 || states.Contains(record[skip].State))
                {
                    results.Add(record[skip]);
                }
            }

            (after, skip) = (position, 0);
        }

        return new OverlayResultPage(results, after, 0, IsEnd: true);
    }

    public Task<bool> Wake() => Task.FromResult(work is { Report.IsSettled: false });

    // Known to the silos before it is stored: if this one ends in between, the next one finds nothing to go on with, and forgets it.
    private async Task PrepareAsync(OverlayJobOrder order)
    {
        using var patience = new CancellationTokenSource(PreparePatience, context.Time);
        try
        {
            waitsFor = "";
            await index.AddUnfinishedPartAsync(Key, patience.Token);
            var found = await context.Discovery.FindAsync(order, patience.Token);
            await authority.InvokeAsync(
                order,
                [.. found.Select(node => node.Identity)],
                concurrencyMax => targets.ReplaceAsync(new OverlayTargets
                {
                    Order = order,
                    Identities = [.. found.Select(node => node.Identity)],
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

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        work = new OverlayJobWork(Key, targets.State, progress, context, Tell, logger);
        await work.BeginAsync(cancellationToken);

        // Kept alive while there is something to do: nobody calls it then.
        ticking = this.RegisterGrainTimer(
            async token =>
            {
                await context.Loops.RoundAsync("job in an overlay", _ => GoOnAsync(), token);
                if (work.Report.IsSettled)
                {
                    await context.Loops.RoundAsync("job in an overlay", SettleAsync, token);
                }
            },
            new GrainTimerCreationOptions(Tick, Tick) { Interleave = true, KeepAlive = true });
    }

    private async Task GoOnAsync()
    {
        try
        {
            await work!.GoOnAsync();
        }
        catch (InconsistentStateException)
        {
            // Another activation goes on with it.
            DeactivateOnIdle();
            throw;
        }
    }

    // Not before the job's own site has heard it: until then it is told again.
    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        if (await sites.HearAsync(targets.State.Order!, Report()))
        {
            await index.RemoveUnfinishedPartAsync(Key, cancellationToken);
            ticking?.Dispose();
        }
    }

    private OverlayReport Report() => targets.State switch
    {
        { Order: null } => new OverlayReport { Waits = waitsFor },
        { Fault: { } fault } => new OverlayReport { Fault = fault, IsSettled = true },
        _ => work!.Report,
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
