using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace ControlPlane.Fleet;

[GrainType("fleet-events"), ImplicitStreamSubscription(FleetStreams.Namespace)]
internal sealed partial class FleetEventsGrain(LivenessWatch watch, LivenessMeter meter, ILogger<FleetEventsGrain> logger)
    : Grain, IFleetEventsGrain, IStreamSubscriptionObserver, IAsyncBatchObserver<FleetEvent>
{
    /// <summary>Nodes of a batch whose signs of life are judged at once.</summary>
    private const int CallsMax = 64;

    private PartitionLiveness? liveness;

    private PartitionLiveness Liveness => liveness ??= watch.Of(this.GetPrimaryKeyString());

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // Interleaved, so that a batch does not wait for an announcement. Kept alive, since only who listens can tell who is silent.
        this.RegisterGrainTimer(
            Liveness.TickAsync, new GrainTimerCreationOptions(
                TimeSpan.Zero, PartitionLiveness.Tick) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        Liveness.LeaveAsync(cancellationToken);

    public Task Wake() => Task.CompletedTask;

    public async Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        await handleFactory.Create<FleetEvent>().ResumeAsync(this);

    /// <summary>Hands a batch over: slices and nodes side by side, the events of one node in order.</summary>
    /// <remarks>An event counts as delivered when its slice has taken note of it; a failure has the batch delivered again.</remarks>
    public async Task OnNextAsync(IList<SequentialItem<FleetEvent>> items)
    {
        var events = items.Select(item => item.Item).ToList();
        await Task.WhenAll(events.Where(fleetEvent => fleetEvent.IsOfLifecycle)
            .GroupBy(fleetEvent => FleetRoster.ShardOf(fleetEvent.Identity))
            .Select(slice => RosterOf(slice.Key).Observe([.. slice])));
        foreach (var nodes in events.GroupBy(fleetEvent => fleetEvent.Identity, StringComparer.Ordinal).Chunk(CallsMax))
        {
            await Task.WhenAll(nodes.Select(Watch));
        }

        await Learn(events.Select(fleetEvent => fleetEvent.Registration?.Inventory).OfType<NodeInventory>());
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;

    private IInternalFleetRosterGrain RosterOf(int slice) => GrainFactory.GetGrain<IInternalFleetRosterGrain>(slice);

    private async Task Watch(IEnumerable<FleetEvent> eventsOfOneNode)
    {
        foreach (var fleetEvent in eventsOfOneNode)
        {
            if (Liveness.Hear(fleetEvent) is { } heartbeats && Sightings.Of(heartbeats, fleetEvent) is var (sighting, digest))
            {
                await Sight(heartbeats, sighting, digest);
            }
        }
    }

    // What is not judged now is seen again with the next registration: no reason to hold the batch, and enrolments with it.
    private async Task Sight(NodeHeartbeats heartbeats, NodeSighting sighting, ulong digest)
    {
        try
        {
            if (sighting.OtherPlace is not null)
            {
                meter.CloneSuspected();
            }

            if (await RosterOf(FleetRoster.ShardOf(heartbeats.Identity)).RecordSighting(heartbeats.Identity, sighting))
            {
                heartbeats.Sighting = digest;
            }
        }
        catch (Exception fault) when (fault is TimeoutException or OrleansException)
        {
            LogNotJudged(heartbeats.Identity, fault.Message);
        }
    }

    private async Task Learn(IEnumerable<NodeInventory> inventories)
    {
        foreach (var slice in inventories.GroupBy(inventory => FleetRoster.ShardOf(inventory.Identity)))
        {
            try
            {
                await GrainFactory.GetGrain<IInternalFleetIndexGrain>(slice.Key).RecordInventories([.. slice]);
            }
            catch (Exception fault) when (fault is TimeoutException or OrleansException)
            {
                // Soft: nodes register again in some minutes, and enrolments must not wait for a search index.
                LogNotLearnt(slice.Count(), fault.Message);
            }
        }
    }

    [LoggerMessage(LogLevel.Debug, "What was seen of {Node} could not be judged yet: {Reason}")]
    private partial void LogNotJudged(string node, string reason);

    [LoggerMessage(LogLevel.Warning, "What {Count} nodes registered did not reach the index: {Reason}")]
    private partial void LogNotLearnt(int count, string reason);
}
