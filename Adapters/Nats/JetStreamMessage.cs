using NATS.Client.Core;

namespace ControlPlane.Adapters.Nats;

/// <summary>One message of a JetStream stream, as it is stored there.</summary>
/// <param name="Source">The name of the source that it came by, from <see cref="JetStreamSourceOptions.Name"/>.</param>
/// <param name="Subject">The subject on which it was published.</param>
/// <param name="Headers">Its headers; null when it has none.</param>
/// <param name="Payload">Its bytes.</param>
/// <param name="Sequence">Its sequence in the JetStream stream: from 1, stable across redelivery. Begins again if the stream is
/// deleted and made anew.</param>
/// <param name="StoredAt">When the server stored it, by the server's clock.</param>
public readonly record struct JetStreamMessage(
    string Source,
    string Subject,
    NatsHeaders? Headers,
    ReadOnlyMemory<byte> Payload,
    ulong Sequence,
    DateTimeOffset StoredAt);
