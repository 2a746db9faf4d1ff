namespace ControlPlane.Adapters.Nats;

/// <summary>What a decoder made of a message: an event, poison, or nothing of interest.</summary>
public readonly record struct DecodedMessage
{
    private DecodedMessage(string? identity, object? payload, string? poison)
    {
        Identity = identity;
        Payload = payload;
        PoisonReason = poison;
    }

    /// <summary>Nobody wants it: it is acknowledged and forgotten.</summary>
    public static DecodedMessage Ignore => default;

    /// <summary>Whom the event is about; null unless it is an event.</summary>
    public string? Identity { get; }

    /// <summary>What is handed to the consumers; null unless it is an event.</summary>
    public object? Payload { get; }

    /// <summary>Why the message cannot be read; null unless it is poison.</summary>
    public string? PoisonReason { get; }

    /// <summary>An event. The identity decides the partition, and so with whom it keeps its order.</summary>
    /// <param name="identity">Whom the event is about, verbatim; not empty.</param>
    /// <param name="payload">The event. Orleans must be able to serialize it; mark it <c>[Immutable]</c> to save a copy.</param>
    public static DecodedMessage Event(string identity, object payload)
    {
        ArgumentException.ThrowIfNullOrEmpty(identity);
        ArgumentNullException.ThrowIfNull(payload);
        return new DecodedMessage(identity, payload, poison: null);
    }

    /// <summary>It cannot be read. It goes to the dead letters with this reason and is not delivered again.</summary>
    public static DecodedMessage Poison(string reason)
    {
        ArgumentException.ThrowIfNullOrEmpty(reason);
        return new DecodedMessage(identity: null, payload: null, reason);
    }
}
