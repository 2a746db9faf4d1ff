using System.Text.Json;

namespace ControlPlane.Adapters.Nats;

/// <summary>
/// What is remembered of a replica beside what its target says: where it began, and how far it was when it was last looked at.
/// </summary>
/// <param name="Origin">What lies behind it is not to be copied. Never changes, so that a target that was lost is made anew whole.</param>
/// <param name="TargetIncarnation">The target's, at the last look; null before the first.</param>
/// <param name="TargetSequence">The target's last sequence then.</param>
/// <param name="Examined">
/// All that was to be copied up to here was in the target then: further than the last copy where nothing after it was to be copied.
/// </param>
public sealed record ReplicaCheckpoint(
    ReplicaCursor Origin, string? TargetIncarnation = null, ulong TargetSequence = 0, ReplicaCursor? Examined = null)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>What speaks for it holds only for a target that is the same, and has not lost its end since.</summary>
    public bool HoldsFor(string targetIncarnation, ulong targetSequence) =>
        Examined is not null && TargetIncarnation == targetIncarnation && targetSequence >= TargetSequence;

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <exception cref="JsonException">It is none.</exception>
    public static ReplicaCheckpoint Read(string json) =>
        JsonSerializer.Deserialize<ReplicaCheckpoint>(json, Json) ?? throw new JsonException("a checkpoint is null");
}
