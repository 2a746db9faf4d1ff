using ControlPlane.FleetSimulator.Nodes;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>What a node has counted since it started, as <c>daemon_stats</c> and <c>info</c> report it.</summary>
internal sealed class NodeTraffic
{
    public long Received { get; set; }

    public long ReceivedBytes { get; set; }

    public long Sent { get; set; }

    public long SentBytes { get; set; }

    public long Filtered { get; set; }

    public long Expired { get; set; }

    public long Unvalidated { get; set; }

    public long Passed { get; set; }

    public long Replies { get; set; }

    public long Reconnects { get; set; }

    /// <summary>The broker that the node is connected to.</summary>
    public string Broker { get; set; } = "";

    public void CountDropped(GateVerdict verdict)
    {
        switch (verdict)
        {
            case GateVerdict.Filtered:
                Filtered++;
                break;
            case GateVerdict.Expired:
                Expired++;
                break;
            default:
                Unvalidated++;
                break;
        }
    }
}
