using ControlPlane.Placement.Plans;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Placement;

/// <summary>
/// A region's ledger together with its storage: what is recorded is applied at once and stored before anyone is answered.
/// </summary>
internal sealed class StoredRegion
{
    // A lapsed reservation is remembered this long, so that a node that arrives late is known.
    private static readonly TimeSpan LapsedKept = TimeSpan.FromDays(1);

    private readonly PlacementJournal journal;
    private readonly GroupCommit commit;
    private readonly TimeProvider time;
    private readonly Action<Exception> onLost;
    private Task compaction = Task.CompletedTask;

    /// <param name="storage">Where the history is kept.</param>
    /// <param name="grain">Whose records they are.</param>
    /// <param name="serializer">How they are written.</param>
    /// <param name="time">The clock of leases.</param>
    /// <param name="onLost">Called when a change could not be stored: memory is ahead of the store, and the activation must end.</param>
    public StoredRegion(IGrainStorage storage, GrainId grain, Serializer serializer, TimeProvider time, Action<Exception> onLost)
    {
        journal = new PlacementJournal(storage, grain, serializer);
        commit = new GroupCommit(AppendAsync, onLost);
        Plans = new PlanStore(storage, grain, serializer);
        (this.time, this.onLost) = (time, onLost);
    }

    public PlanStore Plans { get; }

    public RegionState Ledger { get; } = new();

    public OverlaysOptions Options { get; private set; } = new();

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Whether callers should be asked to come again.</summary>
    public bool IsFull => commit.IsFull;

    /// <summary>Completes when all that the ledger holds is stored: what a reader must await before it answers.</summary>
    public Task Written => commit.Written;

    public async Task OpenAsync(OverlaysOptions configured)
    {
        Options = configured;
        Ledger.BeginRestore();
        await journal.RestoreAsync(Ledger);
        Ledger.EndRestore(configured);
        Ledger.Unplaced.HearAll(Now);

        // Takes the next journal position, and so fences an activation that does not know yet that it was displaced.
        _ = Record(new PlacementChange.Opened(Now));
        MentionConfigured();
        await Written;
    }

    /// <summary>Applies a change; the task completes when it is stored.</summary>
    /// <exception cref="PlacementUnavailableException">An earlier change was lost.</exception>
    public Task Record(PlacementChange entry)
    {
        if (commit.IsLost)
        {
            throw new PlacementUnavailableException("placement is starting again; ask again");
        }

        Ledger.Apply(entry);
        return commit.Add(entry);
    }

    /// <summary>No plan homes groups any more: they live where their members are.</summary>
    public void EndHomings()
    {
        foreach (var group in Ledger.Homings.Keys.ToArray())
        {
            _ = Record(new PlacementChange.GroupHomed(group, null));
        }
    }

    /// <summary>Time and configuration move without anybody calling; each call first catches up with both.</summary>
    /// <returns>How many reservations lapsed meanwhile.</returns>
    public int CatchUp(OverlaysOptions configured)
    {
        if (!ReferenceEquals(Options, configured))
        {
            Options = configured;
            Ledger.Configure(configured);
            MentionConfigured();
        }

        var now = Now;
        var lapsed = 0;
        while (Ledger.NextLapsed(now) is { LiveHold: { } hold } node)
        {
            _ = Record(new PlacementChange.NodeChanged(node with { Held = hold with { Lapsed = true } }));
            lapsed++;
        }

        return lapsed;
    }

    /// <summary>The node without the place that was held for it.</summary>
    public static PlacementChange Without(PlacedNode node) => node.Home is null
        ? new PlacementChange.NodeForgotten(node.Identity)
        : new PlacementChange.NodeChanged(node with { Held = null });

    private void MentionConfigured()
    {
        var isNew = false;
        foreach (var name in Options.Members.Keys.Order(StringComparer.Ordinal))
        {
            if (Ledger.Overlay(name) is null)
            {
                isNew = true;
                _ = Record(new PlacementChange.OverlaySet(name, OverlayState.Active, "configured", Now));
            }
        }

        if (isNew)
        {
            Ledger.Configure(Options);
        }
    }

    private async Task AppendAsync(PlacementChange[] entries)
    {
        await journal.AppendAsync(entries);
        if (journal.WantsCompaction && compaction.IsCompleted)
        {
            compaction = CompactAsync();
        }
    }

    private async Task CompactAsync()
    {
        try
        {
            ForgetLapsed();
            Ledger.Departed.Tidy(Now, shard => Ledger.ChangedShards[shard] = true);
            await journal.CompactAsync(Ledger, Ledger.Capture);
            Ledger.Tidy();
        }
#pragma warning disable CA1031 // Whatever the store throws, the journal is whole and this activation must not go on.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            onLost(fault);
        }
    }

    private void ForgetLapsed()
    {
        var before = Now - LapsedKept;
        foreach (var node in Ledger.AllNodes().Where(node => node.Held is { Lapsed: true } held && held.Until < before).ToArray())
        {
            _ = Record(Without(node));
        }
    }
}
