namespace ControlPlane.Nodes;

using ControlPlane.Access;
using Orleans.Concurrency;

/// <summary>One slice of the overlay's nodes as they can be searched: by facts, classes, agents, identity and how they stand.</summary>
/// <remarks>
/// Key: the slice's number, the same as the node's roster slice (<see cref="FleetRoster.ShardOf"/>). Everything is in memory and is
/// read again at activation: how nodes stand from the roster, inventories from the overlay's brokers.
/// </remarks>
[Alias("ControlPlane.IFleetIndexGrain")]
public interface IFleetIndexGrain : IGrainWithIntegerKey
{
    /// <summary>
    /// The nodes that match, in order of identity after <paramref name="afterIdentity"/>, at most <paramref name="limit"/> (1 to 1000).
    /// </summary>
    [Alias("Select"), AlwaysInterleave, Requires(Permissions.NodesRead)]
    Task<SelectOutcome> Select(NodeQuery query, string? afterIdentity, int limit);

    /// <summary>How many of the nodes that match have which value of a fact.</summary>
    [Alias("Count"), AlwaysInterleave, Requires(Permissions.NodesRead)]
    Task<CountOutcome> Count(NodeQuery query, string fact);

    /// <summary>What a node said of itself; null when it said nothing.</summary>
    [Alias("Find"), AlwaysInterleave, Requires(Permissions.NodesRead)]
    Task<NodeInventory?> Find(string identity);
}
