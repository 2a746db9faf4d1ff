using ControlPlane.FleetSimulator.Broker;
using ControlPlane.FleetSimulator.Nodes;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>The agent <c>choria_util</c>, with <c>info</c> only: a simulated node runs no autonomous agents.</summary>
internal static class UtilityAgent
{
    public const string Name = "choria_util";

    public static AgentReply Answer(AgentCall call, NodeView node, NodeTraffic traffic) => call.Action switch
    {
        "info" => Info(node, traffic),
        _ => AgentReply.Unknown(call.Action, Name),
    };

    private static AgentReply Info(NodeView node, NodeTraffic traffic)
    {
        var isProvisioning = node.Process.IsProvisioning;
        var options = new ClientOptionsReply(
            [traffic.Broker], false, node.Profile.Identity, false, true, true, -1, 2, 2, PingInterval: 120, MaxOutstandingPings: 2);
        var info = new InfoReply(
            Security: "choria",
            Connector: "choria",
            ConnectLine.ClientVersion,
            ClientFlavour: "nats.go go1.26.10",
            options,
            new ClientStatsReply(traffic.Received, traffic.Sent, traffic.ReceivedBytes, traffic.SentBytes, traffic.Reconnects),
            traffic.Broker,
            FacterDomain: "",
            FacterCommand: "",
            SrvDomain: "",
            UsingSrv: isProvisioning,
            isProvisioning ? ["puppet:4222"] : [.. BrokerAddress.ReadList(node.Files.Configuration?.MiddlewareHosts).Select(HostAndPort)],
            Path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            $"choria {NodeProfile.ChoriaVersion}",
            SecureProtocol: !isProvisioning,
            ConnectorTls: true);
        return AgentReply.Ok(info, AgentJson.Default.InfoReply);
    }

    private static string HostAndPort(BrokerAddress broker) => $"{broker.Host}:{broker.Port}";
}
