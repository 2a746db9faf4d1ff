using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>Why a node drops a request, always without a word; or that it serves it.</summary>
internal enum GateVerdict
{
    Serve,
    Unreadable,
    OtherProtocol,
    Untrusted,
    OtherCollective,
    Filtered,
    Expired,
}

/// <summary>What a node checks of a request before an agent sees it, in Choria's order.</summary>
internal static class RequestGate
{
    public static GateVerdict Judge(ReceivedRequest received, NodeView node, CallerTrust trust)
    {
        var request = received.Request;
        if (request.Protocol != node.Profile.Protocol)
        {
            return GateVerdict.OtherProtocol;
        }

        // While it is being provisioned a node looks at no signature at all: what protects it is the broker and the token input.
        if (!node.Process.IsProvisioning && !trust.Accepts(received, node))
        {
            return GateVerdict.Untrusted;
        }

        if (!node.Process.Collectives.Contains(request.Collective))
        {
            return GateVerdict.OtherCollective;
        }

        if (!FilterMatch.Matches(request.Filter, node.Profile))
        {
            return GateVerdict.Filtered;
        }

        return request.IsFresh(node.Now) ? GateVerdict.Serve : GateVerdict.Expired;
    }
}
