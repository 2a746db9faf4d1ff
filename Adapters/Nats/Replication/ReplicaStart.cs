using System.Globalization;

namespace ControlPlane.Adapters.Nats;

/// <summary>Where a replica begins in its source, when it holds nothing yet.</summary>
public abstract record ReplicaStart
{
    /// <summary>How one is written.</summary>
    public const string Rule = "'all', 'new', a sequence ('1000'), a time ('2026-11-30T08:00:00Z') or an age ('3.00:00:00')";

    private ReplicaStart()
    {
    }

    /// <summary>With the oldest message that there is.</summary>
    public sealed record All : ReplicaStart;

    /// <summary>With the first message that comes.</summary>
    public sealed record Coming : ReplicaStart;

    /// <param name="First">With the message of this sequence; those that are gone by then are said to be missing.</param>
    public sealed record Sequence(ulong First) : ReplicaStart;

    /// <param name="From">With the first message that was stored at this time or later.</param>
    public sealed record Time(DateTimeOffset From) : ReplicaStart;

    /// <param name="Before">With the first message that was stored so long ago or later.</param>
    public sealed record Age(TimeSpan Before) : ReplicaStart;

    /// <summary>Reads one as it is written; null when it is none.</summary>
    public static ReplicaStart? ReadOrNull(string text) => text switch
    {
        "all" => new All(),
        "new" => new Coming(),
        _ when ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var first) => new Sequence(first),
        _ when text.Contains('T', StringComparison.Ordinal)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var from) => new Time(from),
        _ when text.Contains(':', StringComparison.Ordinal)
            && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var before) && before >= TimeSpan.Zero => new Age(before),
        _ => null,
    };
}
