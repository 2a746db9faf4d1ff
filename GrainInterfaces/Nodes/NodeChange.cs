namespace ControlPlane.Nodes;

/// <summary>How a node stands after something about it changed.</summary>
/// <param name="Node">How it stands.</param>
/// <param name="InventoryDigest">The digest of what it says of itself; changes when that does. Null when it said nothing.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NodeChange")]
public sealed record NodeChange([property: Id(0)] RosterEntry Node, [property: Id(1)] string? InventoryDigest);
