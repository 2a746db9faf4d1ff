namespace ControlPlane.Nodes;

/// <summary>Whether a node is heard on its overlay.</summary>
public enum NodeLiveness
{
    /// <summary>Never heard there, or not since its enrolment began anew.</summary>
    Unknown = 0,

    /// <summary>Heard as often as it should be.</summary>
    Alive = 1,

    /// <summary>Not heard for longer than a node that is well stays silent.</summary>
    Late = 2,

    /// <summary>Not heard for so long that it must be taken for gone.</summary>
    Lost = 3,

    /// <summary>Heard again after it was late or lost; alive after it has stayed for a while.</summary>
    Returned = 4,
}

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
