using System.Diagnostics;
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
    [NonSerialized]
    private Activity? _delivery;

    [NonSerialized]
    private bool _isSettled;

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

    /// <summary>Whose traces a delivery continues; null when nobody listens. Stays with the agent, as does the delivery.</summary>
    [field: NonSerialized]
    public IReadOnlyList<ActivityContext>? Publishers { get; init; }

    /// <summary>
    /// It comes from before what the queue holds: a new owner of the queue has to go on there, and not where the queue is.
    /// </summary>
    [Id(5)]
    public bool IsReplay { get; init; }

    public StreamSequenceToken SequenceToken =>
        IsReplay ? new EventSequenceTokenV2(Positions[^1], Indexes[^1]) : new AgentToken(Positions[^1], Indexes[^1]);

    /// <summary>The events of consecutive messages; at least one message.</summary>
    public static JetStreamBatch Of(StreamId streamId, IReadOnlyList<HeldMessage> messages, bool isReplay = false)
    {
        var total = messages.Sum(message => message.Events.Length);
        var events = new object[total];
        var positions = new long[total];
        var indexes = new int[total];
        var filled = 0;
        foreach (var message in messages)
        {
            for (var index = 0; index < message.Events.Length; index++, filled++)
            {
                events[filled] = message.Events[index];
                positions[filled] = message.Position;
                indexes[filled] = message.FirstIndex + index;
            }
        }

        return new JetStreamBatch
        {
            StreamId = streamId,
            Events = events,
            Positions = positions,
            Indexes = indexes,
            RequestContext = messages[0].RequestContext,
            Publishers = StreamActivities.IsHeard ? StreamActivities.PublishersOf(messages) : null,
            IsReplay = isReplay,
        };
    }

    /// <summary>The events with their tokens. One of another type than the consumer's is an error of the delivery, not silence.</summary>
    public IEnumerable<Tuple<T, StreamSequenceToken>> GetEvents<T>()
    {
        for (var at = 0; at < Events.Length; at++)
        {
            yield return Tuple.Create((T)Events[at], (StreamSequenceToken)new EventSequenceTokenV2(Positions[at], Indexes[at]));
        }
    }

    /// <summary>
    /// Called by the agent at the beginning of each attempt to deliver, which makes it the place where the attempt's trace begins.
    /// </summary>
    public bool ImportRequestContext()
    {
        if (Publishers is not null && !_isSettled)
        {
            _delivery?.SetStatus(ActivityStatusCode.Error).Stop();
            _delivery = StreamActivities.StartDelivery(StreamId, Events.Length, Publishers);
        }

        if (RequestContext is null)
        {
            return false;
        }

        RequestContextExtensions.Import(RequestContext);
        return true;
    }

    /// <summary>Ends the trace of the last attempt.</summary>
    public void Settle(bool failed)
    {
        _isSettled = true;
        _delivery?.SetStatus(failed ? ActivityStatusCode.Error : ActivityStatusCode.Unset).Stop();
        _delivery = null;
    }

    public override string ToString() => $"{Events.Length} events of {StreamId} until {SequenceToken}";
}
