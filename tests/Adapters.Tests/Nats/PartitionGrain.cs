using Orleans.Runtime;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace ControlPlane.Adapters.Tests.Nats;

[Alias("ControlPlane.Adapters.Tests.Nats.IPartitionGrain")]
public interface IPartitionGrain : IGrainWithStringKey;

/// <summary>The consumer of the tests' partition streams.</summary>
[ImplicitStreamSubscription(StreamCluster.Namespace)]
internal sealed class PartitionGrain(
    History history, ILocalSiloDetails silo) : Grain, IPartitionGrain, IStreamSubscriptionObserver, IAsyncBatchObserver<TestEvent>
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) => handleFactory.Create<TestEvent>().ResumeAsync(this);

    public async Task OnNextAsync(IList<SequentialItem<TestEvent>> items)
    {
        foreach (var item in items)
        {
            await history.AddAsync(new Delivered(this.GetPrimaryKeyString(), item.Item, item.Token.SequenceNumber, silo.Name));
        }
    }

    public Task OnErrorAsync(Exception ex)
    {
        history.Errors.Enqueue(ex);
        return Task.CompletedTask;
    }
}
