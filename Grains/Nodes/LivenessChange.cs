namespace ControlPlane.Nodes;

/// <summary>One change of a node's liveness, as the partition that hears it decided.</summary>
/// <param name="From">What it was.</param>
/// <param name="To">What it is now.</param>
/// <param name="LastHeardAt">When the broker stored the last sign of life.</param>
/// <param name="At">When it was decided.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LivenessChange")]
public sealed record LivenessChange(
    [property: Id(0)] NodeLiveness From,
    [property: Id(1)] NodeLiveness To,
    [property: Id(2)] DateTimeOffset LastHeardAt,
    [property: Id(3)] DateTimeOffset At);
