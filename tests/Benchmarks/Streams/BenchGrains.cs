using System.Diagnostics;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace ControlPlane.Benchmarks.Streams;

/// <summary>What is done with an event, and when all that were waited for have come.</summary>
internal sealed class EventCount
{
    private TaskCompletionSource _reached = new();
    private long _target;
    private long _count;

    /// <summary>Whether partitions hand their events on to node grains.</summary>
    public bool TellsNodes { get; set; }

    /// <summary>Part of the node grains' keys: another one makes all of them cold.</summary>
    public string NodePrefix { get; set; } = "";

    /// <summary>From publish to grain, one for each event, in milliseconds; null when nobody measures.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<double>? Latencies { get; set; }

    public Task ExpectAsync(long events)
    {
        _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _count, 0);
        Interlocked.Exchange(ref _target, events);
        return _reached.Task;
    }

    public void Add(int events)
    {
        if (Interlocked.Add(ref _count, events) >= Interlocked.Read(ref _target))
        {
            _reached.TrySetResult();
        }
    }

    public void Measure(BenchEvent one) => Latencies?.Enqueue(Stopwatch.GetElapsedTime(one.SentAt).TotalMilliseconds);
}

[GenerateSerializer, Immutable, Alias("ControlPlane.Benchmarks.Streams.BenchEvent")]
internal sealed record BenchEvent([property: Id(0)] string Identity, [property: Id(1)] long SentAt);

[Alias("ControlPlane.Benchmarks.Streams.IBenchNodeGrain")]
internal interface IBenchNodeGrain : IGrainWithStringKey
{
    [Alias("Hear")]
    ValueTask Hear(BenchEvent heard);
}

internal sealed class BenchNodeGrain : Grain, IBenchNodeGrain
{
    private long _heard;

    public ValueTask Hear(BenchEvent heard)
    {
        _heard++;
        return ValueTask.CompletedTask;
    }
}

[Alias("ControlPlane.Benchmarks.Streams.IBenchPartitionGrain")]
internal interface IBenchPartitionGrain : IGrainWithStringKey;

/// <summary>Counts its events, or tells the node of each; side by side, since no identity is in a batch twice here.</summary>
[ImplicitStreamSubscription(StreamsSilo.Namespace)]
internal sealed class BenchPartitionGrain(EventCount count)
    : Grain, IBenchPartitionGrain, IStreamSubscriptionObserver, IAsyncBatchObserver<BenchEvent>
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) => handleFactory.Create<BenchEvent>().ResumeAsync(this);

    public async Task OnNextAsync(IList<SequentialItem<BenchEvent>> items)
    {
        if (count.TellsNodes)
        {
            var told = new Task[items.Count];
            for (var at = 0; at < items.Count; at++)
            {
                told[at] = GrainFactory.GetGrain<IBenchNodeGrain>(count.NodePrefix + items[at].Item.Identity).Hear(items[at].Item).AsTask();
            }

            await Task.WhenAll(told);
        }

        if (count.Latencies is not null)
        {
            foreach (var item in items)
            {
                count.Measure(item.Item);
            }
        }

        count.Add(items.Count);
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;
}
