using System.Globalization;

namespace ControlPlane.Adapters.Nats;

/// <summary>What a JetStream delivery says of itself in its reply subject.</summary>
/// <param name="Sequence">The message's sequence in the stream.</param>
/// <param name="Delivery">The delivery's number in the consumer: without a gap, unless a delivery was lost on its way.</param>
/// <param name="Attempt">How often the message was delivered, this time included.</param>
/// <param name="StoredAt">When the server stored it.</param>
/// <param name="Pending">How many more messages the consumer has to deliver.</param>
internal readonly record struct AckSubject(ulong Sequence, ulong Delivery, long Attempt, DateTimeOffset StoredAt, ulong Pending)
{
    private const int TokensOfOldServers = 9;
    private const int TokensWithDomain = 11;
    private const long NanosecondsPerTick = 100;

    /// <summary>
    /// Reads <c>$JS.ACK.&lt;stream&gt;.&lt;consumer&gt;.&lt;attempt&gt;.&lt;sequence&gt;.&lt;delivery&gt;.&lt;time&gt;.&lt;pending&gt;</c>,
    /// also in the newer form with domain and account after <c>ACK</c> and one token more at the end.
    /// </summary>
    public static bool TryParse(string? subject, out AckSubject parsed)
    {
        parsed = default;
        if (subject is null || !subject.StartsWith("$JS.ACK.", StringComparison.Ordinal))
        {
            return false;
        }

        Span<Range> tokens = stackalloc Range[16];
        var text = subject.AsSpan();
        var count = text.Split(tokens, '.');
        var first = count >= TokensWithDomain ? 6 : 4;
        if (count < TokensOfOldServers
            || !Number(text[tokens[first]], out var attempt)
            || !Number(text[tokens[first + 1]], out var sequence)
            || !Number(text[tokens[first + 2]], out var delivery)
            || !Number(text[tokens[first + 3]], out var nanoseconds)
            || !Number(text[tokens[first + 4]], out var pending))
        {
            return false;
        }

        var storedAt = DateTimeOffset.UnixEpoch.AddTicks((long)nanoseconds / NanosecondsPerTick);
        parsed = new AckSubject(sequence, delivery, (long)attempt, storedAt, pending);
        return true;
    }

    private static bool Number(ReadOnlySpan<char> token, out ulong number) =>
        ulong.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
