namespace ControlPlane.Adapters.Nats;

/// <summary>Reads messages that other programs wrote into a JetStream stream. One decoder per source.</summary>
/// <remarks>
/// Called once per message and in order, from one thread at a time for each source; it must not block. Whatever arrives, it
/// answers: a message that cannot be read is <see cref="DecodedMessage.Poison"/> with the reason, not an exception. One that
/// throws all the same is treated as poison, with the exception as its reason.
/// </remarks>
public interface IJetStreamDecoder
{
    /// <summary>Says what the message means. The payload is only valid until the call returns: copy what is kept.</summary>
    DecodedMessage Decode(in JetStreamMessage message);
}
