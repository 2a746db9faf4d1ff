using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Placement.Overlays;

/// <summary>
/// An overlay's places together with their storage: what is recorded is applied at once and stored before anyone is answered.
/// </summary>
internal sealed class StoredPlaces
{
    // A lapsed reservation is remembered this long, so that a node that arrives late is known.
    private static readonly TimeSpan LapsedKept = TimeSpan.FromDays(1);

    // Who was decommissioned is remembered this long: a machine that was forgotten in a cellar for longer enrols like any other.
    private static readonly TimeSpan GoneKept = TimeSpan.FromDays(90);

    private readonly PlacementJournal journal;
    private readonly GroupCommit commit;
    private readonly TimeProvider time;
    private readonly Action<Exception> onLost;
    private Task compaction = Task.CompletedTask;

    /// <param name="overlay">Whose places.</param>
    /// <param name="storage">Where they are kept.</param>
    /// <param name="grain">Whose records they are.</param>
    /// <param name="serializer">How they are written.</param>
    /// <param name="time">The clock of leases.</param>
    /// <param name="onLost">Called when a change could not be stored: memory is ahead of the store, and the activation must end.</param>
    public StoredPlaces(
        string overlay, IGrainStorage storage, GrainId grain, Serializer serializer, TimeProvider time, Action<Exception> onLost)
    {
        Places = new OverlayPlaces(overlay);
        journal = new PlacementJournal(storage, grain, serializer);
        commit = new GroupCommit(Places.Apply, AppendAsync, onLost);
        (this.time, this.onLost) = (time, onLost);
    }

    public OverlayPlaces Places { get; }

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Whether callers should be asked to come again.</summary>
    public bool IsFull => commit.IsFull;

    /// <summary>Completes when all that the places hold is stored: what a reader must await before it answers.</summary>
    public Task Written => commit.Written;

    public async Task OpenAsync()
    {
        await journal.RestoreAsync(Places);

        // Takes the next journal position, and so fences an activation that does not know yet that it was displaced.
        await Record(new PlacementChange.Opened(Now));
    }

    /// <summary>Applies a change; the task completes when it is stored.</summary>
    /// <exception cref="PlacementUnavailableException">An earlier change was lost.</exception>
    public Task Record(PlacementChange change) => commit.Record(change);

    /// <summary>Time moves without anybody calling; each call first returns what has lapsed.</summary>
    public void CatchUp()
    {
        var now = Now;
        while (Places.NextLapsed(now) is { LiveHold: { } hold } node)
        {
            _ = Record(new PlacementChange.NodeChanged(node with { Held = hold with { Lapsed = true } }));
        }
    }

    /// <summary>Gives back what is held for a node.</summary>
    public Task GiveBack(PlacedNode node) => Record(node.Home is null
        ? new PlacementChange.NodeForgotten(node.Identity)
        : new PlacementChange.NodeChanged(node with { Held = null }));

    private async Task AppendAsync(PlacementChange[] changes)
    {
        await journal.AppendAsync(changes);
        if (journal.WantsCompaction && compaction.IsCompleted)
        {
            compaction = CompactAsync();
        }
    }

    private void Forget()
    {
        var (lapsedBefore, goneBefore) = (Now - LapsedKept, (Now - GoneKept).UtcTicks);
        foreach (var node in Places.AllNodes().ToArray())
        {
            if (node.Held is { Lapsed: true } held && held.Until < lapsedBefore)
            {
                _ = GiveBack(node);
            }
            else if (node.IsGone && node.Decided.Ticks < goneBefore)
            {
                _ = Record(new PlacementChange.NodeForgotten(node.Identity));
            }
        }
    }

    private async Task CompactAsync()
    {
        try
        {
            Forget();

            await journal.CompactAsync(Places);
        }
#pragma warning disable CA1031 // Whatever the store throws, the journal is whole and this activation must not go on.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            onLost(fault);
        }
    }
}
