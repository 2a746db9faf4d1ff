using ControlPlane.Placement.Overlays;
using Orleans.Serialization;
using Orleans.Storage;

namespace ControlPlane.Placement.Plans;

/// <summary>Where the moves of plans are kept: one record each, written once.</summary>
internal sealed class PlanStore(IGrainStorage storage, GrainId grain, Serializer serializer)
{
    public async Task WriteAsync(PlacementPlan plan)
    {
        // A plan that was written and never booked left a record under this id: it is replaced.
        var record = await LoadAsync(plan.Id);
        record.State = new PlacementRecord { Body = serializer.SerializeToArray(plan) };
        await storage.WriteStateAsync(NameOf(plan.Id), grain, record);
    }

    public async Task<PlacementPlan?> ReadAsync(string id)
    {
        var record = await LoadAsync(id);
        return record is { RecordExists: true, State.Body.Length: > 0 } ? serializer.Deserialize<PlacementPlan>(record.State.Body) : null;
    }

    public async Task DropAsync(string id)
    {
        var record = await LoadAsync(id);
        if (record.RecordExists)
        {
            await storage.ClearStateAsync(NameOf(id), grain, record);
        }
    }

    private static string NameOf(string id) => $"placement-plan-{id}";

    private async Task<GrainState<PlacementRecord>> LoadAsync(string id)
    {
        var record = new GrainState<PlacementRecord> { State = new PlacementRecord() };
        await storage.ReadStateAsync(NameOf(id), grain, record);
        return record;
    }
}
