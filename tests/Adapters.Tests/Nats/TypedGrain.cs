using Orleans.Runtime;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Publishes from within a silo, and says what a grain's publisher would see.</summary>
[Alias("ControlPlane.Adapters.Tests.Nats.ITypedGrain")]
public interface ITypedGrain : IGrainWithStringKey
{
    [Alias("Publish")]
    Task Publish(byte[] streamNamespace, byte[] key, TestEvent[] events, string? messageId);
}

internal sealed class TypedGrain : Grain, ITypedGrain
{
    public async Task Publish(byte[] streamNamespace, byte[] key, TestEvent[] events, string? messageId)
    {
        var stream = this.GetStreamProvider(StreamCluster.Provider).GetStream<TestEvent>(StreamId.Create(streamNamespace, key));
        if (messageId is not null)
        {
            RequestContext.Set(ControlPlane.Adapters.Nats.JetStreamPublishing.MessageIdKey, messageId);
        }

        if (events.Length == 1)
        {
            await stream.OnNextAsync(events[0]);
        }
        else
        {
            await stream.OnNextBatchAsync(events);
        }
    }
}

[Alias("ControlPlane.Adapters.Tests.Nats.ITypedConsumerGrain")]
public interface ITypedConsumerGrain : IGrainWithStringKey;

/// <summary>Takes the events of every namespace but the partition streams' and those of the README's sample.</summary>
[RegexImplicitStreamSubscription("^(?!(test-events|doors|visits)$).*$")]
internal sealed class TypedConsumerGrain(History history, ILocalSiloDetails silo) : Grain, ITypedConsumerGrain, IStreamSubscriptionObserver
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        handleFactory.Create<TestEvent>().ResumeAsync(
            (item, token) => history.AddAsync(new Delivered(this.GetPrimaryKeyString(), item, token!.SequenceNumber, silo.Name)),
            error =>
            {
                history.Errors.Enqueue(error);
                return Task.CompletedTask;
            },
            history.ResumeAt?.Invoke(this.GetPrimaryKeyString()));
}
