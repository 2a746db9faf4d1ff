using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;
using ControlPlane.FleetSimulator.Broker;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>How a node speaks: as an agent does, or late, twice, or not at all. Used under the node's lock.</summary>
internal sealed class NodeVoice(NodeProfile profile, FleetEnvironment fleet)
{
    public NodeTraffic Traffic { get; } = new();

    public void Say(BrokerSession session, LifecycleEvent said) => Publish(session, said.Subject, said.EncodeCloudEvent());

    public void Register(BrokerSession session, NodeView node)
    {
        if (NodeRegistration.EncodeOrNull(node, session.Broker) is var (subject, payload))
        {
            Publish(session, subject, payload);
        }
    }

    public void Reply(BrokerSession session, ReceivedRequest received, ReadOnlyMemory<byte> body, NodeView node)
    {
        if (received.Headers.ReplySubject is not { } subject
            || (profile.Fault == SimulatedFault.Lossy && node.Random.NextDouble() < fleet.Options.LossRate))
        {
            return;
        }

        Traffic.Replies++;
        var payload = NodeReplies.Encode(received, body, session.Broker, node);
        if (profile.Fault == SimulatedFault.Slow)
        {
            _ = PublishLateAsync(session, subject, payload);
            return;
        }

        Publish(session, subject, payload);
        if (profile.Fault == SimulatedFault.Duplicate)
        {
            Publish(session, subject, payload);
        }
    }

    private async Task PublishLateAsync(BrokerSession session, string subject, byte[] payload)
    {
        if (await fleet.DelayAsync(fleet.Options.SlowDelay))
        {
            session.Publish(subject, payload);
        }
    }

    private void Publish(BrokerSession session, string subject, byte[] payload)
    {
        Traffic.Sent++;
        Traffic.SentBytes += payload.Length;
        session.Publish(subject, payload);
    }
}
