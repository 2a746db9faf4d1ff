namespace ControlPlane.Nodes;

/// <summary>What a key is to a node.</summary>
public enum KeyStatus
{
    /// <summary>No node of that name has credentials of ours.</summary>
    Unknown = 0,

    /// <summary>The node holds it, or is about to.</summary>
    Present = 1,

    /// <summary>The node has other credentials now, or has left the fleet.</summary>
    Superseded = 2,
}
