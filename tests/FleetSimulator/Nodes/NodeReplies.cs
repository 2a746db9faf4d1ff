using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>Wraps what an agent answers: signed by provisioned nodes of protocol V2, by no other.</summary>
internal static class NodeReplies
{
    public static byte[] Encode(ReceivedRequest received, ReadOnlyMemory<byte> body, string broker, NodeView node)
    {
        var identity = node.Profile.Identity;
        var reply = ChoriaReply.To(received.Request, identity, node.Now, body);
        var headers = received.Headers.ForReply(identity) with { Trace = [new TraceHop(broker, identity, broker)] };
        if (node.Profile.Protocol == ChoriaProtocol.V1
            || node.Process.IsProvisioning
            || node.Files is not { Seed: { } seed, ServerToken: { } token, Configuration.SignsReplies: true })
        {
            return ChoriaEnvelope.EncodeReply(reply, headers);
        }

        using var key = Ed25519Key.FromSeed(seed);
        return ChoriaEnvelope.EncodeReply(reply, headers, new ReplySigner(key, token));
    }
}
