namespace ControlPlane.Nodes;

/// <summary>How the overlay's nodes are spread over <see cref="IFleetRosterGrain"/>s.</summary>
public static class FleetRoster
{
    /// <summary>Slices of one overlay's roster. Fixed: a node is looked for in the slice where it was recorded.</summary>
    public const int Shards = 64;

    /// <summary>The slice that a node belongs to.</summary>
    public static int ShardOf(string identity) => StableHash.Bucket(identity, Shards);
}
