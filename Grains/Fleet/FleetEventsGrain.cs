using ControlPlane.Provisioning;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace ControlPlane.Fleet;

[GrainType("fleet-events"), ImplicitStreamSubscription(FleetStreams.Namespace)]
internal sealed class FleetEventsGrain : Grain, IFleetEventsGrain, IStreamSubscriptionObserver, IAsyncBatchObserver<FleetEvent>
{
    /// <summary>Nodes that are told of their events at once.</summary>
    private const int CallsMax = 64;

    private long dispatched;

    public Task<long> CountDispatched() => Task.FromResult(dispatched);

    public async Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        await handleFactory.Create<FleetEvent>().ResumeAsync(this);

    /// <summary>Hands a batch over: the nodes side by side, the events of one node in order.</summary>
    /// <remarks>An event counts as delivered when its node has taken note of it; a failure has the batch delivered again.</remarks>
    public async Task OnNextAsync(IList<SequentialItem<FleetEvent>> items)
    {
        var byNode = items.Select(item => item.Item).GroupBy(fleetEvent => fleetEvent.Identity, StringComparer.Ordinal);
        foreach (var nodes in byNode.Chunk(CallsMax))
        {
            await Task.WhenAll(nodes.Select(Dispatch));

            // A herd's batches follow each other closely; without this the silo's own timers would starve.
            await Task.Yield();
        }

        dispatched += items.Count;
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;

    private async Task Dispatch(IEnumerable<FleetEvent> eventsOfOneNode)
    {
        foreach (var fleetEvent in eventsOfOneNode)
        {
            await GrainFactory.GetGrain<INodeGrain>(fleetEvent.Identity).Observe(fleetEvent);
        }
    }
}
