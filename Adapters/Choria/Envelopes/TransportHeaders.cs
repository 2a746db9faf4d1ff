namespace ControlPlane.Adapters.Choria;

using System.Text.Json.Serialization;

/// <summary>The headers of the transport message, the outermost layer; nobody signs them.</summary>
/// <param name="ReplySubject">Where replies go: this, and never the reply subject of the NATS message. Null in replies.</param>
/// <param name="Sender">The host that sent the message. Discovery takes it for the identity of who answers.</param>
public sealed record TransportHeaders(string? ReplySubject, string? Sender)
{
    /// <summary>The hops on the way; each publisher may append one.</summary>
    public IReadOnlyList<TraceHop> Trace { get; init; } = [];

    /// <summary>To be echoed in replies as it is; null outside federations.</summary>
    public FederationHeader? Federation { get; init; }

    /// <summary>No headers at all.</summary>
    public static TransportHeaders None { get; } = new(null, null);

    /// <summary>The headers of a reply to a message with these headers.</summary>
    public TransportHeaders ForReply(string sender) => new(null, sender) { Federation = Federation };
}

/// <summary>One hop: the broker that it came in by, who handled it, the broker that it went out by.</summary>
[JsonConverter(typeof(TraceHopConverter))]
public sealed record TraceHop(string In, string Processor, string Out);

/// <summary>What federation brokers keep in a message to find the way back.</summary>
public sealed record FederationHeader(string? RequestId, string? ReplySubject, IReadOnlyList<string> Targets);
