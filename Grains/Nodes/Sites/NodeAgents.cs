namespace ControlPlane.Nodes;

/// <summary>How a node is called: from here, or through the site on whose provisioning network it is.</summary>
internal sealed class NodeAgents(INodeAgent here, NodeSites sites)
{
    public INodeAgent Of(NodeState state) => state.Reception is { } reception ? new RelayedNodeAgent(reception, sites, here) : here;
}
