// Over 400 lines: what is heard, who is due and what is stored change in one turn; apart, one could be stored without the other.
using ControlPlane.Enrolment;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace ControlPlane.Fleet;

/// <summary>Ticks for all nodes of its slice: see <see cref="IFleetRosterGrain"/>.</summary>
[GrainType("fleet-roster"), Reentrant, KeepAlive]
internal sealed partial class FleetRosterGrain(
    [PersistentState("roster", Stores.Fleet)] IPersistentState<RosterState> stored,
    EnrolmentGate gate,
    NewcomerProbe probe,
    NodeSites sites,
    TimeProvider time,
    Loops loops,
    ILogger<FleetRosterGrain> logger) : Grain, IInternalFleetRosterGrain, IDisposable
{
    /// <summary>Nodes of this slice that are called at once without a place of the silo's gate, which bounds the other calls.</summary>
    private const int CallsMax = 64;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>
    /// After a call that failed for a reason of ours (a silo died, Redis was away) the node is due again after this long.
    /// </summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly Roster roster = new();
    /// <summary>Nodes whose slice of the index has not been told how they stand.</summary>
    private readonly HashSet<string> unpublished = new(StringComparer.Ordinal);

    /// <summary>Nodes that are worked on.</summary>
    private readonly Dictionary<string, NodeWork> working = new(StringComparer.Ordinal);

    private readonly SemaphoreSlim calls = new(CallsMax);

    /// <summary>Nodes of the roster that were heard since this activation began.</summary>
    private readonly Dictionary<string, LastHeard> heard = new(StringComparer.Ordinal);

    private readonly CancellationTokenSource leaving = new();
    private ControlMark seenControls = EnrolmentControls.Open.MarkOf(ControlMark.AnyOverlay);
    private Task writing = Task.CompletedTask;
    private Task? nextWrite;
    private NewcomerIntake? newcomers;
    private bool isDirty;

    /// <summary>
    /// Nodes that are due earlier than what is stored says: a call that records one waits for the write, and again after one that failed.
    /// </summary>
    private HashSet<string> owed = new(StringComparer.Ordinal);

    private NewcomerIntake Newcomers => newcomers ??= new NewcomerIntake(probe, roster, TakeUp, logger, leaving.Token);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        roster.Load(stored.State.Entries, time.GetUtcNow());
        this.RegisterGrainTimer(
            token => loops.RoundAsync("roster", OnTick, token), new GrainTimerCreationOptions(Tick, Tick) { Interleave = true });
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await leaving.CancelAsync();
        if (isDirty)
        {
            await Commit();
        }
    }

    public void Dispose()
    {
        leaving.Dispose();
        calls.Dispose();
    }

    public Task Wake() => Task.CompletedTask;

    public async Task Observe(IReadOnlyList<FleetEvent> events)
    {
        List<Task> acted = [];
        foreach (var fleetEvent in events)
        {
            var news = NodeNews.OfOrNull(fleetEvent);
            if (roster.Find(fleetEvent.Identity) is not { } entry)
            {
                if (news?.StartedAt is { } at)
                {
                    Newcomers.Add(fleetEvent.Identity, at, isAnswer: false);
                }

                continue;
            }

            Hear(entry.Identity, fleetEvent.ReceivedAt, fleetEvent.Version);
            if (news?.StartedAt is { } startedAt && Roster.IsBegunBy(entry, startedAt))
            {
                // The roster's record outlives the silo that heard it.
                Put(entry with
                {
                    Stage = NodeStage.Discovered, Reason = null, Since = startedAt, DueAt = time.GetUtcNow(), WaitsFor = null,
                });
                Tell(entry.Identity, news).Ignore();
            }
            else if (news?.Arrival is not null && (working.ContainsKey(entry.Identity) || Roster.IsAwaited(entry)))
            {
                acted.Add(Tell(entry.Identity, news));
            }
        }

        Newcomers.Ask();
        if (events.Any(fleetEvent => owed.Contains(fleetEvent.Identity)))
        {
            acted.Add(Commit());
        }

        await Task.WhenAll(acted);
    }

    public async Task<int> RecordSweepAnswers(IReadOnlyList<SweepAnswer> answers)
    {
        var missing = 0;
        foreach (var answer in answers)
        {
            if (roster.Find(answer.Identity) is not { } entry)
            {
                missing++;
                Newcomers.Add(answer.Identity, answer.At, isAnswer: true);
            }
            else if (Roster.IsMissing(entry, answer.At) && !working.ContainsKey(entry.Identity))
            {
                missing++;
                Hear(entry.Identity, answer.At, version: null);
                Put(entry with { DueAt = time.GetUtcNow() });
                Tell(entry.Identity, new NodeNews(SightedAt: answer.At)).Ignore();
            }
        }

        Newcomers.Ask();
        if (owed.Count > 0)
        {
            await Commit();
        }

        return missing;
    }

    public Task RecordContest(string identity, ContestedAnswer contested) =>
        roster.Find(identity) is { Stage: NodeStage.Elsewhere, Overlay: { } owner } && !sites.Serves(owner)
            ? sites.TellContestAsync(owner, identity, contested)
            : Tell(identity, new NodeNews(Contested: contested));

    public async Task<string?> Adopt(string identity, Adoption adoption)
    {
        var known = roster.Find(identity);
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
            Put(new RosterEntry(identity, NodeStage.Discovered, known?.Overlay, Reason: null, startedAt, now)
            {
                Reception = reception,
            });
        }
        else if (!working.ContainsKey(identity))
        {
            Put(known! with { DueAt = now });
        }

        Tell(identity, isBegun
            ? new NodeNews(StartedAt: startedAt, Reception: reception)
            : new NodeNews(SightedAt: now, Reception: reception)).Ignore();
        if (owed.Contains(identity))
        {
            await Commit();
        }

        return null;
    }

    // While it is worked on it is not known what the right key is, and the events that the step may wait for are behind this one.
    public Task<bool> RecordSighting(string identity, NodeSighting sighting) => working.ContainsKey(identity)
        ? Task.FromResult(false)
        : GrainFactory.GetGrain<IInternalNodeGrain>(identity).RecordSighting(sighting);

    public Task<LastHeard?> FindHeard(string identity) => Task.FromResult(heard.GetValueOrDefault(identity));

    public async Task Record(RosterEntry entry)
    {
        Put(entry);
        working.GetValueOrDefault(entry.Identity)?.StopWaiting();
        CallDue();
        if (owed.Contains(entry.Identity))
        {
            await Commit();
        }
    }

    public Task RecordLiveness(string identity, NodeLiveness liveness)
    {
        roster.Mark(identity, liveness, heard.GetValueOrDefault(identity)?.AgentVersion, time.GetUtcNow());
        Changed(identity);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<RosterEntry>> List(NodeStage? stage, string? afterIdentity, int limit) =>
        Task.FromResult(roster.List(stage, afterIdentity, Math.Clamp(limit, 1, 1000)));

    public async Task<bool> Forget(string identity)
    {
        var isListed = roster.Remove(identity);
        heard.Remove(identity);
        if (isListed)
        {
            Changed(identity);
            await Commit();
        }

        return isListed;
    }

    public Task<IReadOnlyDictionary<NodeStage, int>> Count() => Task.FromResult(roster.Count());

    private async Task OnTick(CancellationToken cancellationToken)
    {
        // Before the controls were read nothing is known to have changed.
        isDirty |= gate.AreControlsKnown && roster.Unpark(gate.Controls, time.GetUtcNow());
        if (gate.Controls.HasChangedSince(seenControls))
        {
            // Whoever waits for a place may have to wait for something else now.
            seenControls = gate.Controls.MarkOf(ControlMark.AnyOverlay);
            foreach (var work in working.Values)
            {
                work.StopWaiting();
            }
        }

        CallDue();
        if (isDirty)
        {
            await Commit();
        }

        await TellIndex();
    }

    private void Changed(string identity)
    {
        unpublished.Add(identity);
        isDirty = true;
    }

    private async Task TellIndex()
    {
        if (unpublished.Count == 0)
        {
            return;
        }

        var told = unpublished.ToArray();
        unpublished.Clear();
        try
        {
            await GrainFactory.GetGrain<IInternalFleetIndexGrain>(this.GetPrimaryKeyLong()).RecordStages(
                [.. told.Select(identity => roster.Find(identity) ?? Roster.Forgotten(identity, time.GetUtcNow()))]);
        }
        catch (Exception fault)
        {
            // The index is soft: it hears of them with the next tick, whatever kept it from hearing now.
            unpublished.UnionWith(told);
            LogNotTold(told.Length, fault.Message);
        }
    }

    private void TakeUp(string identity, DateTimeOffset at)
    {
        if (roster.Find(identity) is null)
        {
            Put(new RosterEntry(identity, NodeStage.Discovered, null, null, at, time.GetUtcNow()));
            CallDue();
        }
        else
        {
            Tell(identity, new NodeNews(SightedAt: at)).Ignore();
        }
    }

    private void Put(RosterEntry entry)
    {
        if (roster.Put(WithVersion(entry)))
        {
            owed.Add(entry.Identity);
        }

        Changed(entry.Identity);
    }

    private void Hear(string identity, DateTimeOffset at, string? version) =>
        heard[identity] = new LastHeard(at, version ?? heard.GetValueOrDefault(identity)?.AgentVersion);

    private RosterEntry WithVersion(RosterEntry entry) => entry with
    {
        AgentVersion = heard.GetValueOrDefault(entry.Identity)?.AgentVersion ?? roster.Find(entry.Identity)?.AgentVersion,
    };

    private void CallDue()
    {
        var now = time.GetUtcNow();
        while (roster.TakeDue(now) is { } entry)
        {
            Work(Begin(entry)).Ignore();
        }
    }

    private NodeWork Begin(RosterEntry entry)
    {
        var node = GrainFactory.GetGrain<IInternalNodeGrain>(entry.Identity);
        return working[entry.Identity] = new NodeWork(entry, node, gate, calls, time);
    }

    private async Task Work(NodeWork work)
    {
        try
        {
            await work.Run(after => End(work, after), leaving.Token);
        }
        catch (Exception) when (leaving.IsCancellationRequested)
        {
            // The stored entry is still due, and the next activation goes on.
            return;
        }
        catch (Exception fault)
        {
            // The top of a loop that must go on: whatever happened to this node, the others are due too.
            LogBrokeOff(work.Due.Identity, fault);
        }

        CallDue();
    }

    private void End(NodeWork work, RosterEntry? after)
    {
        var identity = work.Due.Identity;
        working.Remove(identity);
        roster.Returned(WithVersion(after ?? work.Due with { DueAt = time.GetUtcNow() + RetryDelay }));
        Changed(identity);
        if (roster.Find(identity) is null)
        {
            heard.Remove(identity);
        }
    }

    // When it returns, the node has acted on the news.
    private async Task Tell(string identity, NodeNews news)
    {
        if (working.TryGetValue(identity, out var work))
        {
            await work.Tell(news);
        }
        else if (roster.Take(identity, time.GetUtcNow()) is { } entry)
        {
            Changed(identity);
            work = Begin(entry);
            var acted = work.Tell(news);
            Work(work).Ignore();
            await acted;
        }
    }

    /// <summary>Writes the slice; all who ask before a write begins share it.</summary>
    private Task Commit() => nextWrite ??= CommitNext();

    private async Task CommitNext()
    {
        // The calls that are queued behind this one get to record theirs first.
        await Task.Yield();
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        nextWrite = null;
        await (writing = Write());
    }

    private async Task Write()
    {
        var writtenFor = owed;
        (isDirty, owed) = (false, new HashSet<string>(StringComparer.Ordinal));
        try
        {
            await stored.ReplaceAsync(new RosterState(roster.Entries));
        }
        catch
        {
            isDirty = true;
            owed.UnionWith(writtenFor);
            throw;
        }
    }

    [LoggerMessage(LogLevel.Debug, "The index does not know yet how {Count} nodes stand: {Reason}")]
    private partial void LogNotTold(int count, string reason);

    [LoggerMessage(LogLevel.Warning, "The enrolment of {Node} broke off and will be continued")]
    private partial void LogBrokeOff(string node, Exception fault);
}
