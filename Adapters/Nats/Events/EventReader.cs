using NATS.Client.Core;

namespace ControlPlane.Adapters.Nats;

/// <summary>Reads the provider's own events.</summary>
internal sealed class EventReader(EventBodySerializer bodies) : IMessageReader
{
    public MessageContent Read(in JetStreamMessage message)
    {
        if (EventHeaders.ReadStream(message.Headers) is not { } stream)
        {
            return MessageContent.Poison("its headers name no Orleans stream");
        }

        var schema = message.Headers!.TryGetLastValue(EventHeaders.Schema, out var named) ? named : "";
        try
        {
            var body = bodies.Read(message.Payload, schema);
            return new MessageContent(stream, body.Events, body.RequestContext);
        }
#pragma warning disable CA1031 // Whatever a body does to a serializer, it is poison and not the end of the queue.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            return MessageContent.Poison($"its body cannot be read: {fault.GetType().Name}: {fault.Message}");
        }
    }
}
