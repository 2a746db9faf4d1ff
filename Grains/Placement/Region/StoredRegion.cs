using ControlPlane.Placement.Plans;
using ControlPlane.Placement.Policies;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Placement;

/// <summary>
/// What a region decides by together with its storage: policies, plans and the leader are applied at once and stored before anyone is
/// answered. Where nodes are is not stored here: the overlays own that.
/// </summary>
internal sealed class StoredRegion
{
    private const string RecordName = "region";

    private readonly IGrainStorage storage;
    private readonly GrainId grain;
    private readonly GroupCommit commit;
    private readonly TimeProvider time;
    private GrainState<RegionRecord> stored = new() { State = new RegionRecord() };

    /// <param name="storage">Where it is kept.</param>
    /// <param name="grain">Whose records they are.</param>
    /// <param name="serializer">How plans are written.</param>
    /// <param name="time">The clock.</param>
    /// <param name="onLost">Called when a change could not be stored: memory is ahead of the store, and the activation must end.</param>
    public StoredRegion(IGrainStorage storage, GrainId grain, Serializer serializer, TimeProvider time, Action<Exception> onLost)
    {
        (this.storage, this.grain, this.time) = (storage, grain, time);
        commit = new GroupCommit(Ledger.Apply, WriteAsync, onLost);
        Plans = new PlanStore(storage, grain, serializer);
    }

    public PlanStore Plans { get; }

    public RegionState Ledger { get; } = new();

    public OverlaysOptions Options { get; private set; } = new();

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Completes when all that was recorded is stored: what a reader must await before it answers.</summary>
    public Task Written => commit.Written;

    public async Task OpenAsync(OverlaysOptions configured)
    {
        Options = configured;
        stored = new GrainState<RegionRecord> { State = new RegionRecord() };
        await storage.ReadStateAsync(RecordName, grain, stored);
        Ledger.BeginRestore();
        Ledger.Restore(stored.State ?? new RegionRecord());
        foreach (var overlay in Ledger.OverlaysByNumber)
        {
            overlay.IsListed = false;
        }

        MentionConfigured();
        Ledger.EndRestore(configured);
        await Written;
    }

    /// <summary>Applies a change; the task completes when it is stored.</summary>
    /// <exception cref="PlacementUnavailableException">An earlier change was lost.</exception>
    public Task Record(PlacementChange change) => commit.Record(change);

    /// <summary>No plan homes groups any more: they live where their members are.</summary>
    public void EndHomings()
    {
        foreach (var group in Ledger.Homings.Keys.ToArray())
        {
            _ = Record(new PlacementChange.GroupHomed(group, null));
        }
    }

    /// <summary>Configuration changes without anybody calling; each call first catches up with it.</summary>
    public void CatchUp(OverlaysOptions configured)
    {
        if (!ReferenceEquals(Options, configured))
        {
            Options = configured;
            MentionConfigured();
            Ledger.Configure(configured);
        }
    }

    private void MentionConfigured()
    {
        foreach (var name in Options.Members.Keys.Order(StringComparer.Ordinal).Where(name => Ledger.Overlay(name) is null))
        {
            _ = Record(new PlacementChange.OverlaySet(name, OverlayState.Active, "configured"));
            Ledger.Overlay(name)!.IsListed = false;
        }
    }

    // The record is small, and says all: its ETag keeps an activation that was displaced from writing over the next one's.
    private Task WriteAsync(PlacementChange[] changes)
    {
        stored.State = Ledger.Capture();
        return storage.WriteStateAsync(RecordName, grain, stored);
    }
}

/// <summary>What is stored of a region.</summary>
[GenerateSerializer, Alias("ControlPlane.RegionRecord")]
internal sealed record RegionRecord
{
    /// <summary>In the order of their numbers.</summary>
    [Id(0)]
    public PlacementChange.OverlaySet[] Overlays { get; init; } = [];

    [Id(1)]
    public Dictionary<string, string> Homings { get; init; } = [];

    [Id(2)]
    public PolicyHistory Policies { get; init; } = PolicyHistory.Empty;

    [Id(3)]
    public PlanList Plans { get; init; } = PlanList.Empty;

    /// <summary>Null while the configured leader holds.</summary>
    [Id(4)]
    public PlacementChange.LeaderSet? Leader { get; init; }
}
