using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>Whom a provisioned node believes: callers of its CA in V1, callers of its issuers in V2.</summary>
internal static class CallerTrust
{
    public static bool Accepts(ReceivedRequest received, NodeView node) => !received.Proof.IsInsecure;
}
