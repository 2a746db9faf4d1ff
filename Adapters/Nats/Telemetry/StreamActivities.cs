using System.Diagnostics;
using NATS.Client.Core;
using Orleans.Runtime;

namespace ControlPlane.Adapters.Nats;

/// <summary>What the provider tells of traces: a publish and a delivery, joined by the message's headers.</summary>
internal static class StreamActivities
{
    /// <summary>A batch of more publishers than this is linked to the first of them.</summary>
    private const int LinksMax = 32;

    private static readonly ActivitySource Source = new(QueueMetrics.MeterName);

    /// <summary>Whether anybody wants to know: else no header is looked at.</summary>
    public static bool IsHeard => Source.HasListeners();

    public static Activity? StartPublish(StreamId stream, int events) =>
        Tell(Source.StartActivity("jetstream publish", ActivityKind.Producer), stream, events);

    /// <summary>
    /// Begins the delivery of a batch. It continues the trace of its publisher; of several it begins one, linked to theirs.
    /// </summary>
    public static Activity? StartDelivery(StreamId stream, int events, IReadOnlyList<ActivityContext> publishers) =>
        Tell(
            publishers.Count == 1
                ? Source.StartActivity("jetstream deliver", ActivityKind.Consumer, publishers[0])
                : Source.StartActivity(
                    "jetstream deliver",
                    ActivityKind.Consumer,
                    default(ActivityContext),
                    links: publishers.Select(one => new ActivityLink(one))),
            stream,
            events);

    /// <summary>The publishers of messages, each once, as their headers say.</summary>
    public static IReadOnlyList<ActivityContext> PublishersOf(IEnumerable<HeldMessage> messages)
    {
        var publishers = new HashSet<ActivityContext>();
        foreach (var message in messages)
        {
            if (publishers.Count < LinksMax && ReadOrNull(message.Message.Headers) is { } publisher)
            {
                publishers.Add(publisher);
            }
        }

        return [.. publishers];
    }

    private static ActivityContext? ReadOrNull(NatsHeaders? headers) =>
        headers is not null
        && headers.TryGetLastValue(EventHeaders.TraceParent, out var traceParent)
        && ActivityContext.TryParse(traceParent, traceState: null, isRemote: true, out var context)
            ? context
            : null;

    private static Activity? Tell(Activity? activity, StreamId stream, int events) => activity?
        .SetTag("messaging.system", "jetstream")
        .SetTag("messaging.destination.name", stream.ToString())
        .SetTag("messaging.batch.message_count", events);
}
