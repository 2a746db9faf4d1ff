using System.Globalization;
using System.Text;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Nats;

/// <summary>How a dead letter is written: the payload as it was, the rest in headers.</summary>
/// <remarks>
/// Texts are in the reversible encoding of names, since a header's value may be neither empty nor hold line ends. The original
/// headers carry a prefix: some, such as <c>Nats-Msg-Id</c>, would otherwise be orders to the server.
/// </remarks>
internal static class DeadLetterHeaders
{
    private const string Queue = "Dead-Queue";
    private const string Reason = "Dead-Reason";
    private const string JetStream = "Dead-JetStream";
    private const string Sequence = "Dead-Sequence";
    private const string Subject = "Dead-Subject";
    private const string StoredAt = "Dead-Stored-At";
    private const string OriginalPrefix = "Dead-Original-";
    private const int ReasonLengthMax = 1000;

    /// <summary>The letter's message id: the same message of a queue dies once.</summary>
    public static string IdOf(QueueDefinition queue, in JetStreamMessage message) => string.Create(
        CultureInfo.InvariantCulture, $"{Encode(queue.Name)}:{message.Sequence}:{message.StoredAt.UtcTicks}");

    public static NatsHeaders Write(QueueDefinition queue, in JetStreamMessage message, string reason)
    {
        var headers = new NatsHeaders
        {
            [Queue] = Encode(queue.Name),
            [Reason] = Encode(reason.Length > ReasonLengthMax ? reason[..ReasonLengthMax] : reason),
            [JetStream] = Encode(queue.JetStreamName),
            [Sequence] = message.Sequence.ToString(CultureInfo.InvariantCulture),
            [Subject] = Encode(message.Subject),
            [StoredAt] = message.StoredAt.ToString("O", CultureInfo.InvariantCulture),
        };
        foreach (var (name, value) in message.Headers ?? [])
        {
            headers[OriginalPrefix + name] = Encode(value.ToString());
        }

        return headers;
    }

    public static DeadLetter Read(
        ulong id, IReadOnlyDictionary<string, string> headers, ReadOnlyMemory<byte> payload, DateTimeOffset diedAt) => new(
        Text(headers, Queue),
        id,
        Text(headers, Reason),
        Text(headers, JetStream),
        ulong.Parse(headers.GetValueOrDefault(Sequence, "0"), CultureInfo.InvariantCulture),
        Text(headers, Subject),
        headers.Where(header => header.Key.StartsWith(OriginalPrefix, StringComparison.Ordinal))
            .ToDictionary(header => header.Key[OriginalPrefix.Length..], header => Decode(header.Value), StringComparer.Ordinal),
        payload,
        DateTimeOffset.Parse(headers.GetValueOrDefault(StoredAt, "0001-01-01"), CultureInfo.InvariantCulture),
        diedAt);

    private static string Text(IReadOnlyDictionary<string, string> headers, string name) =>
        headers.TryGetValue(name, out var value) ? Decode(value) : "";

    private static string Encode(string text) => JetStreamSubject.Encode(Encoding.UTF8.GetBytes(text));

    private static string Decode(string encoded) => Encoding.UTF8.GetString(JetStreamSubject.DecodeOrNull(encoded) ?? []);
}
