using ControlPlane.Enrolment;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace ControlPlane.Fleet;

/// <summary>Ticks for all nodes of its slice: see <see cref="IFleetRosterGrain"/>.</summary>
[GrainType("fleet-roster"), Reentrant, KeepAlive]
internal sealed partial class FleetRosterGrain(
    [PersistentState("roster", Stores.Fleet)] IPersistentState<RosterState> stored,
    ControlCache cache,
    NewcomerProbe probe,
    TimeProvider time,
    Loops loops,
    ILogger<FleetRosterGrain> logger) : Grain, IInternalFleetRosterGrain, IDisposable
{
    /// <summary>
    /// Nodes of this slice that are called at once. Most of them wait for a place in the silo's gate, which costs little.
    /// </summary>
    private const int CallsMax = 64;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>
    /// After a call that failed for a reason of ours (a silo died, Redis was away) the node is due again after this long.
    /// </summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly Roster roster = new();
    private readonly Newcomers newcomers = new(NewcomerProbe.WaitingMax);
    private readonly HashSet<string> letIn = new(StringComparer.Ordinal);
    private int asking;

    /// <summary>Nodes whose slice of the index has not been told how they stand.</summary>
    private readonly HashSet<string> unpublished = new(StringComparer.Ordinal);

    private readonly HashSet<string> calling = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource leaving = new();
    private Task writing = Task.CompletedTask;
    private Task? nextWrite;
    private bool isDirty;

    /// <summary>
    /// Nodes that are due earlier than what is stored says: a call that records one waits for the write, and again after one that failed.
    /// </summary>
    private HashSet<string> owed = new(StringComparer.Ordinal);

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

    public void Dispose() => leaving.Dispose();

    public Task Wake() => Task.CompletedTask;

    public async Task Record(RosterEntry entry)
    {
        if (roster.Put(entry))
        {
            owed.Add(entry.Identity);
        }

        Changed(entry.Identity);
        CallDue();
        if (owed.Contains(entry.Identity))
        {
            await Commit();
        }
    }

    public Task RecordLiveness(string identity, NodeLiveness liveness, string? agentVersion)
    {
        roster.Mark(identity, liveness, agentVersion, time.GetUtcNow());
        Changed(identity);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<RosterEntry>> List(NodeStage? stage, string? afterIdentity, int limit) =>
        Task.FromResult(roster.List(stage, afterIdentity, Math.Clamp(limit, 1, 1000)));

    public Task<IReadOnlyList<string>> AdmitNewcomers(IReadOnlyList<HeardName> heard)
    {
        foreach (var name in heard.Where(name => roster.Find(name.Identity) is null))
        {
            if (name.At is { } at && !newcomers.Add(name.Identity, at, name.IsAnswer))
            {
                probe.Forgot();
            }
        }

        AskNewcomers();
        return Task.FromResult(roster.ToTell(heard));
    }

    public async Task<bool> Forget(string identity)
    {
        var isListed = roster.Remove(identity);
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
        isDirty |= cache.Known.IsCompleted && roster.Unpark(cache.Controls, time.GetUtcNow());
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

    private void AskNewcomers()
    {
        while (asking < NewcomerProbe.AskedMax && newcomers.Take() is var (identity, at))
        {
            asking++;
            Ask(identity, at).Ignore();
        }
    }

    private async Task Ask(string identity, DateTimeOffset at)
    {
        try
        {
            if (await probe.ShowsTokenAsync(identity, at, leaving.Token) || IsRoomFor(identity))
            {
                await GrainFactory.GetGrain<IInternalNodeGrain>(identity).RecordSweepAnswer(NodeProtocol.Unknown, at);
            }
            else
            {
                probe.Forgot();
            }
        }
        catch (Exception fault) when (!leaving.IsCancellationRequested)
        {
            // The top of a loop that must go on: who is there answers the next sweep.
            LogNotMet(identity, fault.Message);
            letIn.Remove(identity);
        }
        finally
        {
            newcomers.Done(identity);
            asking--;
        }

        AskNewcomers();
    }

    // Whether one more may be listed that has shown nothing; those that were let in count before the roster says how they stand.
    private bool IsRoomFor(string identity)
    {
        letIn.RemoveWhere(name => roster.Find(name) is { Stage: not NodeStage.Discovered });
        return roster.Unshown + letIn.Count < probe.ListedMax && letIn.Add(identity);
    }

    private void CallDue()
    {
        var now = time.GetUtcNow();
        while (calling.Count < CallsMax && roster.TakeDue(now) is { } entry)
        {
            calling.Add(entry.Identity);
            Call(entry).Ignore();
        }
    }

    private async Task Call(RosterEntry entry)
    {
        try
        {
            var after = await GrainFactory.GetGrain<IInternalNodeGrain>(entry.Identity).Continue(entry, leaving.Token);
            roster.Returned(after);
            Changed(entry.Identity);
        }
        catch (Exception) when (leaving.IsCancellationRequested)
        {
            // The stored entry is still due, and the next activation calls again.
            return;
        }
        catch (Exception fault)
        {
            // The top of a loop that must go on: whatever happened to this node, the others are due too.
            LogBrokeOff(entry.Identity, fault);
            roster.Returned(entry with { DueAt = time.GetUtcNow() + RetryDelay });
            Changed(entry.Identity);
        }
        finally
        {
            calling.Remove(entry.Identity);
        }

        CallDue();
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

    [LoggerMessage(LogLevel.Debug, "{Node} was heard of for the first time, and could not be told: {Reason}")]
    private partial void LogNotMet(string node, string reason);

    [LoggerMessage(LogLevel.Warning, "The enrolment of {Node} broke off and will be continued")]
    private partial void LogBrokeOff(string node, Exception fault);
}
