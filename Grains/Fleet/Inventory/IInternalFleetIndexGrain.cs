using ControlPlane.Nodes;
using Orleans.Concurrency;

namespace ControlPlane.Fleet;

/// <summary>What the control plane's own grains tell a slice of the index.</summary>
[Alias("ControlPlane.IInternalFleetIndexGrain")]
internal interface IInternalFleetIndexGrain : IFleetIndexGrain
{
    /// <summary>Takes over how nodes stand; called by the roster's slice. Safe to repeat.</summary>
    [Alias("RecordStages"), AlwaysInterleave]
    Task RecordStages(IReadOnlyList<RosterEntry> entries);

    /// <summary>
    /// Takes over what nodes say of themselves, unless they said the same before. Safe to repeat. What cannot be stored now is not
    /// remembered: nodes say it again.
    /// </summary>
    [Alias("RecordInventories"), AlwaysInterleave]
    Task RecordInventories(IReadOnlyList<NodeInventory> inventories);

    /// <summary>Takes over a node's answer to <c>rpcutil#inventory</c> during its enrolment. One way; safe to repeat.</summary>
    [Alias("RecordProvisioningInventory"), AlwaysInterleave, OneWay]
    Task RecordProvisioningInventory(string identity, string inventoryJson);
}
