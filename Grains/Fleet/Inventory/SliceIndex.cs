using ControlPlane.Filters;
using ControlPlane.Nodes;
using ControlPlane.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Fleet;

/// <summary>Makes the indexes of slices.</summary>
internal sealed class SliceIndexes(
    InventoryStore store, ChangePublication feed, InventoryMeter meter, IOptions<InventoryOptions> options, TimeProvider time,
    ILogger<SliceIndex> logger)
{
    public SliceIndex Of(string slice) => new(slice, store, feed, meter, options.Value, time, logger);
}

/// <summary>A slice's nodes as they can be searched, and the feed of what changes about them.</summary>
/// <remarks>Belongs to one slice and runs on its turns.</remarks>
internal sealed partial class SliceIndex(
    string slice, InventoryStore store, ChangePublication feed, InventoryMeter meter, InventoryOptions options, TimeProvider time,
    ILogger logger)
{
    /// <summary>Distinct values in one answer; what is rarer is counted together.</summary>
    private const int CountedValuesMax = 1_000;

    private const int PageMax = 1_000;

    /// <summary>Changes in one message of the feed: some 25 kB.</summary>
    private const int BatchChangesMax = 100;

    private readonly NodeIndex index = new(options.FactsPerNodeMax);

    /// <summary>Nodes whose change was not published: at most all of the slice.</summary>
    private readonly HashSet<string> unsaid = new(StringComparer.Ordinal);

    /// <summary>Whether what nodes said of themselves before this activation was read.</summary>
    private bool isComplete;

    /// <summary>Takes over how nodes stood before this activation; that is no news.</summary>
    public void Load(IEnumerable<RosterEntry> entries)
    {
        foreach (var entry in entries)
        {
            index.Stand(entry);
        }
    }

    /// <summary>Takes over how a node stands.</summary>
    public void Record(RosterEntry entry)
    {
        if (index.Stand(entry))
        {
            unsaid.Add(entry.Identity);
        }
    }

    /// <summary>
    /// Takes over what nodes say of themselves, unless they said the same before. What cannot be stored, or not before it is ended, is not
    /// remembered: nodes say it again.
    /// </summary>
    public async Task RecordInventoriesAsync(IEnumerable<NodeInventory> inventories, CancellationToken cancellationToken)
    {
        foreach (var inventory in inventories)
        {
            await LearnAsync(inventory, cancellationToken);
        }
    }

    /// <summary>Takes over a node's answer to <c>rpcutil#inventory</c> during its enrolment.</summary>
    public async Task RecordProvisioningInventoryAsync(string identity, string inventoryJson)
    {
        var json = System.Text.Encoding.UTF8.GetBytes(inventoryJson);
        if (InventoryReader.ReadOrNull(identity, json, InventorySource.Enrolment, time.GetUtcNow(), options) is { } inventory)
        {
            await LearnAsync(inventory, CancellationToken.None);
        }
        else
        {
            meter.Learnt("unreadable");
        }
    }

    public SelectOutcome Select(NodeQuery query, string? afterIdentity, int limit) => Answer<SelectOutcome>(
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
        detail => new SelectOutcome.Refused(detail));

    public CountOutcome Count(NodeQuery query, string fact) => Answer<CountOutcome>(
        query,
        selection =>
        {
            FactPath.Check(fact);
            var (counts, missing) = index.CountBy(fact, selection);
            var listed = counts.OrderByDescending(count => count.Value).Take(CountedValuesMax)
                .ToDictionary(count => count.Key.ToJson(), count => count.Value);
            return new CountOutcome.Counted(listed, counts.Values.Sum() - listed.Values.Sum(), missing, isComplete);
        },
        detail => new CountOutcome.Refused(detail));

    /// <exception cref="StoreUnavailableException">It cannot be read.</exception>
    public Task<NodeInventory?> FindAsync(string identity) => store.FindAsync(slice, identity, CancellationToken.None);

    /// <summary>Reads what was known before this activation, as long as that has not been read, and publishes what is new.</summary>
    public async Task TickAsync(CancellationToken cancellationToken)
    {
        isComplete = isComplete || await RecallAllAsync(cancellationToken);
        await PublishAsync(cancellationToken);
        meter.Show(slice, index, isComplete);
    }

    public void Leave() => meter.Leave(slice);

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

    private async Task LearnAsync(NodeInventory said, CancellationToken cancellationToken)
    {
        NodeInventory? inventory;
        try
        {
            await RecallAsync(said.Identity, cancellationToken);
            inventory = index.Merge(said);
            if (inventory is null || inventory.Digest == index.DigestOf(inventory.Identity))
            {
                meter.Learnt("unchanged");
                return;
            }

            // First kept, then known: a slice that takes over knows no less than what was answered from.
            await store.KeepAsync(slice, inventory, cancellationToken);
        }
        catch (Exception away) when (away is StoreUnavailableException or ArgumentException or OperationCanceledException)
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
    private async Task RecallAsync(string identity, CancellationToken cancellationToken)
    {
        if (!isComplete && index.DigestOf(identity) is null
            && await store.FindAsync(slice, identity, cancellationToken) is { } kept && index.DigestOf(identity) is null)
        {
            index.Learn(kept);
        }
    }

    private async Task<bool> RecallAllAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var inventory in store.RecallAsync(slice, cancellationToken))
            {
                if (index.DigestOf(inventory.Identity) is null)
                {
                    index.Learn(inventory);
                }
            }

            return true;
        }
        catch (StoreUnavailableException away)
        {
            LogNotRecalled(slice, away.Message);
            return false;
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
                    await feed.PublishAsync(slice, known, LeaveOut, cancellationToken);
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

                LogNotPublished(slice, away.Message);
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
    private partial void LogNotRecalled(string slice, string reason);

    [LoggerMessage(LogLevel.Warning, "Slice {Slice} of the index could not publish its changes yet: {Reason}")]
    private partial void LogNotPublished(string slice, string reason);
}
