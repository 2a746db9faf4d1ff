namespace ControlPlane.Adapters.Nats;

/// <summary>A message that could not be delivered, as it was, with why.</summary>
/// <param name="Queue">The source, or the partition queue, that it came by.</param>
/// <param name="Id">Its number among the dead letters of that queue's server.</param>
/// <param name="Reason">Why it could not be delivered.</param>
/// <param name="JetStream">The JetStream stream that it was in.</param>
/// <param name="Sequence">Its sequence there.</param>
/// <param name="Subject">The subject on which it was published.</param>
/// <param name="Headers">Its headers.</param>
/// <param name="Payload">Its bytes.</param>
/// <param name="StoredAt">When the server stored it.</param>
/// <param name="DiedAt">When it became a dead letter.</param>
public sealed record DeadLetter(
    string Queue,
    ulong Id,
    string Reason,
    string JetStream,
    ulong Sequence,
    string Subject,
    IReadOnlyDictionary<string, string> Headers,
    ReadOnlyMemory<byte> Payload,
    DateTimeOffset StoredAt,
    DateTimeOffset DiedAt);
