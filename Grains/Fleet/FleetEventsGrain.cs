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
    /// <summary>Nodes that are told of their events at once.</summary>
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

    /// <summary>Hands a batch over: the nodes side by side, the events of one node in order.</summary>
    /// <remarks>An event counts as delivered when its node has taken note of it; a failure has the batch delivered again.</remarks>
    public async Task OnNextAsync(IList<SequentialItem<FleetEvent>> items)
    {
        var strangers = await Strangers(items.Select(item => item.Item));
        var byNode = items.Select(item => item.Item)
            .Where(fleetEvent => !IsOfProvisioning(fleetEvent) || !strangers.Contains(fleetEvent.Identity))
            .GroupBy(fleetEvent => fleetEvent.Identity, StringComparer.Ordinal);
        foreach (var nodes in byNode.Chunk(CallsMax))
        {
            await Task.WhenAll(nodes.Select(Dispatch));

            // A herd's batches follow each other closely; without this the silo's own timers would starve.
            await Task.Yield();
        }

        await Learn(items.Select(item => item.Item.Registration?.Inventory).OfType<NodeInventory>());
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;

    // No grain is made for a name that nobody knows, and that is only said: the slices of the roster ask it first.
    private async Task<HashSet<string>> Strangers(IEnumerable<FleetEvent> events)
    {
        var heard = events.Where(IsOfProvisioning)
            .GroupBy(fleetEvent => fleetEvent.Identity, StringComparer.Ordinal)
            .Select(ofOne => new HeardName(ofOne.Key, ofOne.FirstOrDefault(NodeNews.IsIn)?.ReceivedAt))
            .ToList();
        var slices = heard.GroupBy(name => FleetRoster.ShardOf(name.Identity))
            .Select(slice => GrainFactory.GetGrain<IInternalFleetRosterGrain>(slice.Key).AdmitNewcomers([.. slice]));
        var known = (await Task.WhenAll(slices)).SelectMany(identities => identities).ToHashSet(StringComparer.Ordinal);
        return heard.Select(name => name.Identity).Where(identity => !known.Contains(identity)).ToHashSet(StringComparer.Ordinal);
    }

    private static bool IsOfProvisioning(FleetEvent fleetEvent) =>
        fleetEvent.Network == FleetStreams.ProvisioningNetwork && fleetEvent.IsOfLifecycle;

    private async Task Dispatch(IEnumerable<FleetEvent> eventsOfOneNode)
    {
        foreach (var fleetEvent in eventsOfOneNode)
        {
            var node = GrainFactory.GetGrain<IInternalNodeGrain>(fleetEvent.Identity);
            if (fleetEvent.IsOfLifecycle)
            {
                await node.Observe(fleetEvent);
            }

            if (Liveness.Hear(fleetEvent) is { } heartbeats && Sightings.Of(heartbeats, fleetEvent) is var (sighting, digest))
            {
                await Sight(node, heartbeats, sighting, digest);
            }
        }
    }

    // What is not judged now is seen again with the next registration: no reason to hold the batch, and enrolments with it.
    private async Task Sight(IInternalNodeGrain node, NodeHeartbeats heartbeats, NodeSighting sighting, ulong digest)
    {
        try
        {
            if (sighting.OtherPlace is not null)
            {
                meter.CloneSuspected();
            }

            if (await node.RecordSighting(sighting))
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
