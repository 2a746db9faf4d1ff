namespace ControlPlane.Nodes;

using Orleans.Concurrency;

/// <summary>One slice of the overlay's nodes as they can be searched: by facts, classes, agents, identity and how they stand.</summary>
/// <remarks>
/// Key: the slice's number, the same as the node's roster slice (<see cref="FleetRoster.ShardOf"/>). Everything is in memory and is
/// read again at activation: how nodes stand from the roster, inventories from the overlay's brokers.
/// </remarks>
[Alias("ControlPlane.IFleetIndexGrain")]
public interface IFleetIndexGrain : IGrainWithIntegerKey
{
    /// <summary>Takes over how nodes stand; called by the roster's slice. Safe to repeat.</summary>
    [Alias("Stand"), AlwaysInterleave]
    Task Stand(IReadOnlyList<RosterEntry> entries);

    /// <summary>
    /// Takes over what nodes say of themselves, unless they said the same before. Safe to repeat. What cannot be stored now is not
    /// remembered: nodes say it again.
    /// </summary>
    [Alias("Learn"), AlwaysInterleave]
    Task Learn(IReadOnlyList<NodeInventory> inventories);

    /// <summary>Takes over a node's answer to <c>rpcutil#inventory</c> during its enrolment. One way; safe to repeat.</summary>
    [Alias("LearnAnswer"), AlwaysInterleave, OneWay]
    Task LearnAnswer(string identity, string inventoryJson);

    /// <summary>
    /// The nodes that match, in order of identity after <paramref name="afterIdentity"/>, at most <paramref name="limit"/> (1 to 1000).
    /// </summary>
    [Alias("Select"), AlwaysInterleave]
    Task<SelectOutcome> Select(NodeQuery query, string? afterIdentity, int limit);

    /// <summary>How many of the nodes that match have which value of a fact.</summary>
    [Alias("Count"), AlwaysInterleave]
    Task<CountOutcome> Count(NodeQuery query, string fact);

    /// <summary>What a node said of itself; null when it said nothing.</summary>
    [Alias("Find"), AlwaysInterleave]
    Task<NodeInventory?> Find(string identity);
}
