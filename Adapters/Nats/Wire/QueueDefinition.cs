using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using Orleans.Runtime;

namespace ControlPlane.Adapters.Nats;

/// <summary>One queue of the provider: a JetStream stream, the part of it that is read, and what its messages mean.</summary>
internal sealed record QueueDefinition(
    string Name,
    NatsJSContext JetStream,
    string JetStreamName,
    IReadOnlyList<string> Subjects,
    StreamConfig? Create,
    JetStreamStart Start,
    IMessageReader Reader)
{
    public INatsConnection Connection => JetStream.Connection;
}

/// <summary>Turns a message into events of an Orleans stream. Never throws.</summary>
internal interface IMessageReader
{
    MessageContent Read(in JetStreamMessage message);
}

/// <summary>What a message holds: events for a stream; or a reason why it is poison; or neither.</summary>
internal readonly record struct MessageContent(
    StreamId Stream, object[] Events, Dictionary<string, object>? RequestContext = null, string? PoisonReason = null)
{
    public static MessageContent Nothing => new(default, []);

    public static MessageContent Poison(string reason) => new(default, [], PoisonReason: reason);
}
