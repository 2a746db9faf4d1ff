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
