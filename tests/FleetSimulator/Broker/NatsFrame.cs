namespace ControlPlane.FleetSimulator.Broker;

/// <summary>What a NATS server may say to a client.</summary>
internal enum NatsFrameKind
{
    Info,
    Message,
    Ping,
    Pong,
    Ok,
    Error,
}

/// <summary>One protocol message of a NATS server; it points into the buffer it was read from.</summary>
internal readonly ref struct NatsFrame(NatsFrameKind kind, int subscription, ReadOnlySpan<byte> body)
{
    public NatsFrameKind Kind { get; } = kind;

    /// <summary>The subscription id that a <see cref="NatsFrameKind.Message"/> was delivered to, else 0.</summary>
    public int Subscription { get; } = subscription;

    /// <summary>The payload of a message, the JSON of INFO, the text of an error.</summary>
    public ReadOnlySpan<byte> Body { get; } = body;
}
