using System.Collections.Immutable;
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>
/// What a partition has heard, for whoever takes it over. Says how long nodes were silent, not until when: downtime is nobody's silence.
/// </summary>
/// <param name="TakenAt">When.</param>
/// <param name="Nodes">The nodes, or some of them.</param>
/// <param name="IsFinal">Whether the partition was left in order with it: nothing was heard afterwards.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LivenessSnapshot")]
internal sealed record LivenessSnapshot(
    [property: Id(0)] DateTimeOffset TakenAt,
    [property: Id(1)] ImmutableArray<HeartbeatRecord> Nodes,
    [property: Id(2)] bool IsFinal);

/// <summary>One node of a <see cref="LivenessSnapshot"/>.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.HeartbeatRecord")]
internal sealed record HeartbeatRecord(
    [property: Id(0)] string Identity,
    [property: Id(1)] NodeLiveness State,
    [property: Id(2)] TimeSpan Silence,
    [property: Id(3)] long StoredAt,
    [property: Id(4)] ulong Sequence,
    [property: Id(5)] ulong Process,
    [property: Id(6)] ulong FormerProcess,
    [property: Id(7)] long ProcessSince,
    [property: Id(8)] long FormerProcessSince,
    [property: Id(9)] ulong Sighting);
