using Orleans.Providers.Streams.Common;
using Orleans.Runtime;
using Orleans.Streams;

namespace ControlPlane.Adapters.Nats;

/// <summary>Consecutive events of one Orleans stream, handed to a consumer in one call.</summary>
/// <remarks>
/// The batch's token is that of its last event: a consumer that says "I have had this token" has had all of the batch,
/// whichever way the next owner of the queue cuts it.
/// </remarks>
[GenerateSerializer, Immutable, Alias("ControlPlane.Adapters.Nats.JetStreamBatch")]
internal sealed class JetStreamBatch : IBatchContainer
{
    [Id(0)]
    public required StreamId StreamId { get; init; }

    [Id(1)]
    public required object[] Events { get; init; }

    /// <summary>For each event the position of its message.</summary>
    [Id(2)]
    public required long[] Positions { get; init; }

    /// <summary>For each event its index in its message.</summary>
    [Id(3)]
    public required int[] Indexes { get; init; }

    [Id(4)]
    public Dictionary<string, object>? RequestContext { get; init; }

    public StreamSequenceToken SequenceToken => new EventSequenceTokenV2(Positions[^1], Indexes[^1]);

    /// <summary>The events with their tokens. One of another type than the consumer's is an error of the delivery, not silence.</summary>
    public IEnumerable<Tuple<T, StreamSequenceToken>> GetEvents<T>()
    {
        for (var at = 0; at < Events.Length; at++)
        {
            yield return Tuple.Create((T)Events[at], (StreamSequenceToken)new EventSequenceTokenV2(Positions[at], Indexes[at]));
        }
    }

    public bool ImportRequestContext()
    {
        if (RequestContext is null)
        {
            return false;
        }

        RequestContextExtensions.Import(RequestContext);
        return true;
    }

    public override string ToString() => $"{Events.Length} events of {StreamId} until {SequenceToken}";
}
