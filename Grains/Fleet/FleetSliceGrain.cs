using ControlPlane.Enrolment;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace ControlPlane.Fleet;

/// <summary>Hears the nodes of its slice, and ticks for all of them: see <see cref="IFleetSliceGrain"/>.</summary>
[GrainType("fleet-slice"), ImplicitStreamSubscription(FleetStreams.Namespace), Reentrant, KeepAlive]
internal sealed class FleetSliceGrain
    : Grain, IInternalFleetSliceGrain, IStreamSubscriptionObserver, IAsyncBatchObserver<FleetEvent>, IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>How long what is soft (who is whom, what nodes say of themselves) may hold the events that come after it.</summary>
    private static readonly TimeSpan SoftPatience = TimeSpan.FromSeconds(20);

    private readonly NodeSites sites;
    private readonly TimeProvider time;
    private readonly Loops loops;
    private readonly SliceIndex index;
    private readonly SliceRoster roster;
    private readonly SliceWork work;
    private readonly NewcomerIntake newcomers;
    private readonly PartitionLiveness liveness;

    /// <summary>One batch at a time: what is delivered again, since it took long, waits for the first.</summary>
    private readonly SemaphoreSlim batches = new(1);

    public FleetSliceGrain(
        [PersistentState("roster", Stores.Fleet)] IPersistentState<RosterState> stored,
        LivenessWatch watch,
        SliceIndexes indexes,
        NewcomerProbe probe,
        EnrolmentGate gate,
        NodeSites sites,
        TimeProvider time,
        Loops loops,
        ILogger<FleetSliceGrain> logger)
    {
        (this.sites, this.time, this.loops) = (sites, time, loops);
        index = indexes.Of(Key);
        roster = new SliceRoster(stored, index, time);
        work = new SliceWork(roster, gate, GrainFactory, time, logger);
        newcomers = new NewcomerIntake(probe, roster.Nodes, TakeUp, logger, work.Leaving);
        liveness = watch.Of(Key, roster.Mark);
    }

    private string Key => this.GetPrimaryKeyString();

    /// <summary>
    /// Who is due is known from the first call on; who was heard and what was said before is read by ticks, which the broker may keep
    /// waiting. None waits for another.
    /// </summary>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        roster.Load();
        Repeat(token => loops.RoundAsync("roster", OnTick, token));
        Repeat(token => loops.RoundAsync("index", index.TickAsync, token));
        Repeat(liveness.TickAsync);
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        index.Leave();
        await work.LeaveAsync();
        try
        {
            await roster.StoreAsync();
        }
        finally
        {
            await liveness.LeaveAsync(cancellationToken);
        }
    }

    public void Dispose()
    {
        work.Dispose();
        batches.Dispose();
    }

    public Task Wake() => Task.CompletedTask;

    public async Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        await handleFactory.Create<FleetEvent>().ResumeAsync(this);

    /// <summary>Hands a batch over. An event counts as delivered then; a failure has the batch delivered again.</summary>
    public async Task OnNextAsync(IList<SequentialItem<FleetEvent>> items)
    {
        await batches.WaitAsync();
        try
        {
            // As a call: it is bounded in time, and stands in the history of operations.
            await this.AsReference<IInternalFleetSliceGrain>().Observe([.. items.Select(item => item.Item)]);
        }
        finally
        {
            batches.Release();
        }
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;

    public async Task Observe(IReadOnlyList<FleetEvent> events)
    {
        await ActOn([.. events.Where(fleetEvent => fleetEvent.IsOfLifecycle)]);
        using var patience = new CancellationTokenSource(SoftPatience, time);
        await liveness.HearAsync(events, Judge, patience.Token);
        await index.RecordInventoriesAsync(
            events.Select(fleetEvent => fleetEvent.Registration?.Inventory).OfType<NodeInventory>(), patience.Token);
    }

    public async Task<int> RecordSweepAnswers(IReadOnlyList<SweepAnswer> answers)
    {
        var missing = 0;
        foreach (var answer in answers)
        {
            if (roster.Nodes.Find(answer.Identity) is not { } entry)
            {
                missing++;
                newcomers.Add(answer.Identity, answer.At, isAnswer: true);
            }
            else if (Roster.IsMissing(entry, answer.At) && !work.IsWorkedOn(entry.Identity))
            {
                missing++;
                roster.Hear(entry.Identity, answer.At, version: null);
                roster.Put(entry with { DueAt = time.GetUtcNow() });
                work.TellAsync(entry.Identity, new NodeNews(SightedAt: answer.At)).Ignore();
            }
        }

        newcomers.Ask();
        await roster.StoreAllOwedAsync();
        return missing;
    }

    public Task RecordContest(string identity, ContestedAnswer contested) =>
        roster.Nodes.Find(identity) is { Stage: NodeStage.Elsewhere, Overlay: { } owner } && !sites.Serves(owner)
            ? sites.TellContestAsync(owner, identity, contested)
            : work.TellAsync(identity, new NodeNews(Contested: contested));

    public async Task<string?> Adopt(string identity, Adoption adoption)
    {
        var known = roster.Nodes.Find(identity);
        if (known is { Stage: NodeStage.Gone })
        {
            return "it was decommissioned; reprovision it to have it again";
        }

        var now = time.GetUtcNow();
        var reception = adoption.Reception == sites.Here ? null : adoption.Reception;
        var isBack = known is { Stage: NodeStage.Elsewhere };
        var isBegun = known is null || isBack || Roster.IsBegunBy(known, adoption.HeardAt);

        // What was ours before is ours again from now on, whenever it was heard.
        var startedAt = isBack ? now : adoption.HeardAt;
        if (isBegun)
        {
            roster.Put(new RosterEntry(identity, NodeStage.Discovered, known?.Overlay, Reason: null, startedAt, now)
            {
                Reception = reception,
            });
        }
        else if (!work.IsWorkedOn(identity))
        {
            roster.Put(known! with { DueAt = now });
        }

        work.TellAsync(identity, isBegun
            ? new NodeNews(StartedAt: startedAt, Reception: reception)
            : new NodeNews(SightedAt: now, Reception: reception)).Ignore();
        await roster.StoreOwedAsync(identity);
        return null;
    }

    public async Task Record(RosterEntry entry)
    {
        roster.Put(entry);
        work.Recorded(entry.Identity);
        await roster.StoreOwedAsync(entry.Identity);
    }

    public Task<bool> Forget(string identity) => roster.RemoveAsync(identity);

    public Task RecordProvisioningInventory(string identity, string inventoryJson) =>
        index.RecordProvisioningInventoryAsync(identity, inventoryJson);

    public Task<LastHeard?> FindHeard(string identity) => Task.FromResult(roster.FindHeard(identity));

    public Task<IReadOnlyList<RosterEntry>> List(NodeStage? stage, string? afterIdentity, int limit) =>
        Task.FromResult(roster.Nodes.List(stage, afterIdentity, Math.Clamp(limit, 1, 1000)));

    public Task<IReadOnlyDictionary<NodeStage, int>> CountStages() => Task.FromResult(roster.Nodes.Count());

    public Task<SelectOutcome> Select(NodeQuery query, string? afterIdentity, int limit) =>
        Task.FromResult(index.Select(query, afterIdentity, limit));

    public Task<CountOutcome> CountFact(NodeQuery query, string fact) => Task.FromResult(index.Count(query, fact));

    public Task<NodeInventory?> FindInventory(string identity) => index.FindAsync(identity);

    // Kept alive, since only who listens can tell who is silent.
    private void Repeat(Func<CancellationToken, Task> tick) => this.RegisterGrainTimer(
        tick, new GrainTimerCreationOptions(TimeSpan.Zero, Tick) { Interleave = true, KeepAlive = true });

    private async Task OnTick(CancellationToken cancellationToken)
    {
        work.Tick();
        await roster.StoreAsync();
    }

    // What events say about enrolment. Signs of life of who lives where it is enrolled end here, and call no node.
    private async Task ActOn(IReadOnlyList<FleetEvent> events)
    {
        List<Task> acted = [];
        foreach (var fleetEvent in events)
        {
            var news = NodeNews.OfOrNull(fleetEvent);
            if (roster.Nodes.Find(fleetEvent.Identity) is not { } entry)
            {
                if (news?.StartedAt is { } at)
                {
                    newcomers.Add(fleetEvent.Identity, at, isAnswer: false);
                }

                continue;
            }

            roster.Hear(entry.Identity, fleetEvent.ReceivedAt, fleetEvent.Version);
            if (news?.StartedAt is { } startedAt && Roster.IsBegunBy(entry, startedAt))
            {
                // The roster's record outlives the silo that heard it.
                roster.Put(entry with
                {
                    Stage = NodeStage.Discovered, Reason = null, Since = startedAt, DueAt = time.GetUtcNow(), WaitsFor = null,
                });
                work.TellAsync(entry.Identity, news).Ignore();
            }
            else if (news?.Arrival is not null && (work.IsWorkedOn(entry.Identity) || Roster.IsAwaited(entry)))
            {
                acted.Add(work.TellAsync(entry.Identity, news));
            }
        }

        newcomers.Ask();
        acted.Add(roster.StoreOwedAsync(events.Select(fleetEvent => fleetEvent.Identity)));
        await Task.WhenAll(acted);
    }

    // While it is worked on it is not known what the right key is, and the events that the step may wait for are behind this one. Who was
    // never enrolled has none.
    private Task<bool> Judge(string identity, NodeSighting sighting) =>
        work.IsWorkedOn(identity) || roster.Nodes.Find(identity) is null or { Stage: NodeStage.Unknown }
            ? Task.FromResult(false)
            : GrainFactory.GetGrain<IInternalNodeGrain>(identity).RecordSighting(sighting);

    private void TakeUp(string identity, DateTimeOffset at)
    {
        if (roster.Nodes.Find(identity) is null)
        {
            roster.Put(new RosterEntry(identity, NodeStage.Discovered, null, null, at, time.GetUtcNow()));
            work.CallDue();
        }
        else
        {
            work.TellAsync(identity, new NodeNews(SightedAt: at)).Ignore();
        }
    }
}
