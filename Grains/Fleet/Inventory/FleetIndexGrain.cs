using ControlPlane.Filters;
using ControlPlane.Nodes;
using ControlPlane.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace ControlPlane.Fleet;

/// <summary>One slice of the index: see <see cref="IFleetIndexGrain"/>.</summary>
[GrainType("fleet-index"), Reentrant, KeepAlive]
internal sealed partial class FleetIndexGrain(
    InventoryStore store, ChangePublication feed, InventoryMeter meter, IOptions<InventoryOptions> options, TimeProvider time,
    Loops loops, ILogger<FleetIndexGrain> logger) : Grain, IInternalFleetIndexGrain
{
    /// <summary>Distinct values in one answer; what is rarer is counted together.</summary>
    private const int CountedValuesMax = 1_000;

    private const int PageMax = 1_000;

    /// <summary>Changes in one message of the feed: some 25 kB.</summary>
    private const int BatchChangesMax = 100;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly NodeIndex index = new(options.Value.FactsPerNodeMax);

    /// <summary>Nodes whose change was not published: at most all of the slice.</summary>
    private readonly HashSet<string> unsaid = new(StringComparer.Ordinal);

    private bool isComplete;

    private long Slice => this.GetPrimaryKeyLong();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(token => loops.RoundAsync("index", OnTick, token), new GrainTimerCreationOptions(TimeSpan.Zero, Tick));
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        meter.Leave(Slice);
        return Task.CompletedTask;
    }

    public Task RecordStages(IReadOnlyList<RosterEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (index.Stand(entry))
            {
                unsaid.Add(entry.Identity);
            }
        }

        return Task.CompletedTask;
    }

    public async Task RecordInventories(IReadOnlyList<NodeInventory> inventories)
    {
        foreach (var inventory in inventories)
        {
            await Learn(inventory);
        }
    }

    public async Task RecordProvisioningInventory(string identity, string inventoryJson)
    {
        var json = System.Text.Encoding.UTF8.GetBytes(inventoryJson);
        if (InventoryReader.ReadOrNull(identity, json, InventorySource.Enrolment, time.GetUtcNow(), options.Value) is { } inventory)
        {
            await Learn(inventory);
        }
        else
        {
            meter.Learnt("unreadable");
        }
    }

    public Task<SelectOutcome> Select(NodeQuery query, string? afterIdentity, int limit) => Task.FromResult(Answer<SelectOutcome>(
        query,
        selection =>
        {
            var page = new List<RosterEntry>();
            var matched = 0;
            foreach (var entry in index.Select(selection))
            {
                matched++;
                if (page.Count < Math.Clamp(limit, 1, PageMax)
                    && (afterIdentity is null || string.CompareOrdinal(entry.Identity, afterIdentity) > 0))
                {
                    page.Add(entry);
                }
            }

            return new SelectOutcome.Selected(page, matched, isComplete);
        },
        detail => new SelectOutcome.Refused(detail)));

    public Task<CountOutcome> Count(NodeQuery query, string fact) => Task.FromResult(Answer<CountOutcome>(
        query,
        selection =>
        {
            FactPath.Check(fact);
            var (counts, missing) = index.CountBy(fact, selection);
            var listed = counts.OrderByDescending(count => count.Value).Take(CountedValuesMax)
                .ToDictionary(count => count.Key.ToJson(), count => count.Value);
            return new CountOutcome.Counted(listed, counts.Values.Sum() - listed.Values.Sum(), missing, isComplete);
        },
        detail => new CountOutcome.Refused(detail)));

    public Task<NodeInventory?> Find(string identity) => store.FindAsync(Slice, identity, CancellationToken.None);

    private TOutcome Answer<TOutcome>(NodeQuery query, Func<NodeSelection, TOutcome> answer, Func<string, TOutcome> refuse)
    {
        var begun = time.GetTimestamp();
        try
        {
            return answer(NodeSelection.Of(query));
        }
        catch (FilterException unclear)
        {
            return refuse(unclear.Message);
        }
        finally
        {
            meter.Answered(time.GetElapsedTime(begun));
        }
    }

    private async Task Learn(NodeInventory said)
    {
        NodeInventory? inventory;
        try
        {
            await RecallAsync(said.Identity);
            inventory = index.Merge(said);
            if (inventory is null || inventory.Digest == index.DigestOf(inventory.Identity))
            {
                meter.Learnt("unchanged");
                return;
            }

            // First kept, then known: a slice that takes over knows no less than what was answered from.
            await store.KeepAsync(Slice, inventory, CancellationToken.None);
        }
        catch (Exception away) when (away is StoreUnavailableException or ArgumentException)
        {
            meter.Learnt("failed");
            LogNotKept(said.Identity, away.Message);
            return;
        }

        index.Learn(inventory);
        unsaid.Add(inventory.Identity);
        meter.Learnt("changed");
    }

    // A slice that has just taken over has not read yet what was known of the node.
    private async Task RecallAsync(string identity)
    {
        if (!isComplete && index.DigestOf(identity) is null && await Find(identity) is { } kept && index.DigestOf(identity) is null)
        {
            index.Learn(kept);
        }
    }

    private async Task OnTick(CancellationToken cancellationToken)
    {
        if (!isComplete)
        {
            await RecallAsync(cancellationToken);
        }

        await PublishAsync(cancellationToken);
        meter.Show(Slice, index, isComplete);
    }

    private async Task RecallAsync(CancellationToken cancellationToken)
    {
        try
        {
            var roster = GrainFactory.GetGrain<IInternalFleetRosterGrain>(Slice);
            IReadOnlyList<RosterEntry> page = [];
            do
            {
                page = await roster.List(null, page is [.., var last] ? last.Identity : null, PageMax);
                foreach (var entry in page.Where(entry => index.EntryOf(entry.Identity) is null))
                {
                    index.Stand(entry);
                }
            }
            while (page.Count == PageMax);

            await foreach (var inventory in store.RecallAsync(Slice, cancellationToken))
            {
                if (index.DigestOf(inventory.Identity) is null)
                {
                    index.Learn(inventory);
                }
            }

            isComplete = true;
        }
        catch (Exception away) when (away is StoreUnavailableException or TimeoutException or OrleansException)
        {
            LogNotRecalled(Slice, away.Message);
        }
    }

    private async Task PublishAsync(CancellationToken cancellationToken)
    {
        foreach (var batch in unsaid.ToArray().Chunk(BatchChangesMax))
        {
            unsaid.ExceptWith(batch);
            try
            {
                var changes = batch.Select(
                    identity => index.EntryOf(identity) is { } entry ? new NodeChange(entry, index.DigestOf(identity)) : null);
                if (changes.OfType<NodeChange>().ToList() is { Count: > 0 } known)
                {
                    await feed.PublishAsync(Slice, known, LeaveOut, cancellationToken);
                }
            }
            catch (Exception away)
            {
                // Said when it is published, and not before, whatever kept it from being so.
                unsaid.UnionWith(batch);
                meter.NotPublished();
                if (away is not StoreUnavailableException)
                {
                    throw;
                }

                LogNotPublished(Slice, away.Message);
                return;
            }
        }
    }

    private void LeaveOut(NodeChange change, Exception fault)
    {
        meter.LeftOut();
        LogLeftOut(change.Node.Identity, fault.Message);
    }

    [LoggerMessage(
        LogLevel.Error, "A change of {Node} is missing in the feed, since it cannot be published: {Reason}; watchers read the node itself")]
    private partial void LogLeftOut(string node, string reason);

    [LoggerMessage(LogLevel.Debug, "What {Node} says of itself could not be kept: {Reason}")]
    private partial void LogNotKept(string node, string reason);

    [LoggerMessage(LogLevel.Warning, "Slice {Slice} of the index cannot read yet what was known before it: {Reason}")]
    private partial void LogNotRecalled(long slice, string reason);

    [LoggerMessage(LogLevel.Warning, "Slice {Slice} of the index could not publish its changes yet: {Reason}")]
    private partial void LogNotPublished(long slice, string reason);
}
