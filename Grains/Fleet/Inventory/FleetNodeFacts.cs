using ControlPlane.Access.Policies;
using ControlPlane.Filters;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Fleet;

/// <summary>What access policies ask of a node, from the slice of the index that it is in.</summary>
internal sealed class FleetNodeFacts(IGrainFactory grains, IOptions<InventoryOptions> options) : INodeFacts
{
    public async Task<NodeFacts?> FindAsync(string node, bool said, CancellationToken cancellationToken)
    {
        if (!NodeIdentity.IsValid(node))
        {
            return null;
        }

        var slice = grains.GetSliceOf(node);
        var stands = slice.Select(NodeQuery.All with { Identities = [node] }, afterIdentity: null, limit: 1);
        var inventory = said ? await slice.FindInventory(node).WaitAsync(cancellationToken) : null;
        var entry = await stands.WaitAsync(cancellationToken) is SelectOutcome.Selected { Nodes: [var found] } ? found : null;
        return entry is null && inventory is null ? null : new NodeFacts(entry?.Overlay, inventory is null ? null
            : FilteredNode.Of(inventory.FactsJson, options.Value.FactsPerNodeMax, inventory.Classes, inventory.Agents));
    }
}
