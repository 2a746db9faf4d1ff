using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Adapters.Nats;

/// <summary>What a source no longer had when it was to be copied. It is a message of the target, before the first after the gap.</summary>
/// <param name="Link">Whose it is.</param>
/// <param name="Stream">The source.</param>
/// <param name="Reason">Why it is missing: one of <see cref="ReplicaGapReason"/>.</param>
/// <param name="Incarnation">Of the stream that held it.</param>
/// <param name="First">The sequence of the first message that is missing.</param>
/// <param name="Last">The last one; null where the stream was another when it was looked at, and nobody knows.</param>
/// <param name="After">When the last message before the gap was stored; null where that is not known.</param>
/// <param name="Before">When the first message after it was stored; null where there was none yet.</param>
/// <param name="Next">The sequence of the first that the source may have after it.</param>
/// <param name="NextIncarnation">Of the stream that goes on after it.</param>
public sealed record ReplicaGap(
    string Link,
    string Stream,
    string Reason,
    string Incarnation,
    ulong First,
    ulong? Last,
    DateTimeOffset? After,
    DateTimeOffset? Before,
    ulong Next,
    string NextIncarnation)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>What kind of record it is, for readers.</summary>
    public string Protocol { get; } = "controlplane.replication.gap.v1";

    /// <summary>The record's content.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);
}

/// <summary>Why messages of a source are missing.</summary>
public static class ReplicaGapReason
{
    /// <summary>They went by retention, or were purged or deleted, before they were copied.</summary>
    public const string Dropped = "dropped";

    /// <summary>The stream was deleted and made again.</summary>
    public const string Recreated = "recreated";

    /// <summary>The server lost the end of the stream, and counts from before.</summary>
    public const string Rewound = "rewound";

    /// <summary>It is more than the target takes.</summary>
    public const string TooLarge = "too-large";
}
