using System.Globalization;

namespace ControlPlane.Adapters.Nats;

/// <summary>A place in a source: up to it, everything is in the replica, or said there to be missing.</summary>
/// <param name="Incarnation">
/// Which stream of the source's name: its time of creation in microseconds since 1970, and a number behind a dot when the server lost what
/// it held.
/// </param>
/// <param name="Sequence">The sequence in it.</param>
/// <param name="StoredAt">When the source stored the message of that sequence; null where there is none.</param>
public sealed record ReplicaCursor(string Incarnation, ulong Sequence, DateTimeOffset? StoredAt = null)
{
    /// <summary>The message id that a copy has in the target.</summary>
    public string MessageId => string.Create(CultureInfo.InvariantCulture, $"{Incarnation}-{Sequence}");

    /// <summary>The incarnation of a stream as the server made it.</summary>
    public static string IncarnationOf(DateTimeOffset created) => Microseconds(created).ToString(CultureInfo.InvariantCulture);

    /// <summary>Whether it is of a stream with this time of creation, whatever the server has lost of it.</summary>
    public bool IsOf(string created) => Incarnation == created || Incarnation.StartsWith($"{created}.", StringComparison.Ordinal);

    /// <summary>The incarnation that follows when the server lost messages of a stream and counts from before.</summary>
    public string NextIncarnation()
    {
        var dot = Incarnation.IndexOf('.', StringComparison.Ordinal);
        return dot < 0
            ? $"{Incarnation}.1"
            : string.Create(
                CultureInfo.InvariantCulture, $"{Incarnation[..dot]}.{int.Parse(Incarnation[(dot + 1)..], CultureInfo.InvariantCulture) + 1}");
    }

    /// <summary>As the header of a copy says it: version, link, stream, incarnation, sequence, microseconds since 1970.</summary>
    public string ToHeader(string link, string stream) => string.Create(
        CultureInfo.InvariantCulture,
        $"1 {link} {stream} {Incarnation} {Sequence} {(StoredAt is { } at ? Microseconds(at) : 0)}");

    /// <summary>Reads a header, and the link that wrote it; null when it is none.</summary>
    public static (string Link, ReplicaCursor Cursor)? ReadOrNull(string? header) =>
        header?.Split(' ') is ["1", var link, _, var incarnation, var sequence, var stored]
        && ulong.TryParse(sequence, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && long.TryParse(stored, NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
            ? (link, new ReplicaCursor(
                incarnation, number, microseconds == 0 ? null : DateTimeOffset.UnixEpoch.AddMicroseconds(microseconds)))
            : null;

    /// <summary>Whether a message that the source holds in this place now is another one.</summary>
    public bool IsAnother(DateTimeOffset storedAt) => StoredAt is { } known && Microseconds(known) != Microseconds(storedAt);

    private static long Microseconds(DateTimeOffset at) => (at - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
