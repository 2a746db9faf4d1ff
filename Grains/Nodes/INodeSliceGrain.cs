using Orleans.Concurrency;

namespace ControlPlane.Nodes;

/// <summary>What a node, and who hears of one, tells and asks the slice of the fleet that it belongs to.</summary>
/// <remarks>
/// Key: <see cref="FleetSlices.KeyOf(string)"/>. Nodes say here what they need; the fleet, which knows nodes, implements it.
/// </remarks>
[Alias("ControlPlane.INodeSliceGrain")]
internal interface INodeSliceGrain : IFleetSliceGrain
{
    /// <summary>
    /// Takes note that one request of an enrolment got two different answers. What was made for either is withdrawn and the node is
    /// quarantined, which is stored when it returns. Safe to repeat; what concerns no enrolment of now is dropped.
    /// </summary>
    [Alias("RecordContest")]
    Task RecordContest(string identity, ContestedAnswer contested);

    /// <summary>Takes a node over that another site hears: it is enrolled through that one. Safe to repeat.</summary>
    /// <returns>Why not; null when it is due, durably.</returns>
    [Alias("Adopt")]
    Task<string?> Adopt(string identity, Adoption adoption);

    /// <summary>When a node was last heard, and with which version; null when this activation has not heard it.</summary>
    [Alias("FindHeard")]
    Task<LastHeard?> FindHeard(string identity);

    /// <summary>Records how a node stands and when it is due; replaces what was recorded. Safe to repeat.</summary>
    [Alias("Record")]
    Task Record(RosterEntry entry);

    /// <summary>Takes a name off the list. Safe to repeat; false when it was not there.</summary>
    [Alias("Forget")]
    Task<bool> Forget(string identity);

    /// <summary>Takes over a node's answer to <c>rpcutil#inventory</c> during its enrolment. One way; safe to repeat.</summary>
    [Alias("RecordProvisioningInventory"), OneWay]
    Task RecordProvisioningInventory(string identity, string inventoryJson);
}

/// <param name="At">When the broker stored the node's last lifecycle event.</param>
/// <param name="AgentVersion">Choria's version, as it last said it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LastHeard")]
internal sealed record LastHeard([property: Id(0)] DateTimeOffset At, [property: Id(1)] string? AgentVersion);

internal static class NodeSlices
{
    /// <summary>The slice that a node belongs to, as the node has to do with it.</summary>
    public static INodeSliceGrain SliceOf(this IGrainFactory grains, string identity) =>
        grains.GetGrain<INodeSliceGrain>(FleetSlices.KeyOf(identity));
}
