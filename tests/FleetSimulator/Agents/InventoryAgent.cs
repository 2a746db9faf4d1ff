using System.Text.Json;
using ControlPlane.FleetSimulator.Nodes;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>The agent <c>rpcutil</c>, without <c>get_config_item</c> and <c>get_data</c>, which it refuses.</summary>
internal static class InventoryAgent
{
    public const string Name = "rpcutil";

    private const int SimulatedProcessId = 149;

    private static readonly string[] ServerDataPlugins = ["choria", "config_item", "machine_state", "scout"];

    private static readonly AgentDescription[] Descriptions =
    [
        Describe(ProvisionAgent.Name, 20, "https://choria.io", "Choria Provisioner"),
        Describe(UtilityAgent.Name, 10, "https://choria.io", "Choria Utilities"),
        Describe(NodeAgents.Discovery, 2, "http://choria.io", "Discovery Agent"),
        Describe(Name, 2, "http://choria.io", "Choria RPC Utilities"),
    ];

    public static AgentReply Answer(AgentCall call, NodeView node, NodeTraffic traffic) => call.Action switch
    {
        "ping" => AgentReply.Ok(new PingReply(node.Now.ToUnixTimeSeconds()), AgentJson.Default.PingReply),
        "inventory" => Inventory(node),
        "agent_inventory" => AgentReply.Ok(new AgentInventoryReply(Descriptions), AgentJson.Default.AgentInventoryReply),
        "collective_info" => AgentReply.Ok(
            new CollectiveReply(node.Process.Collectives[0], [.. node.Process.Collectives]), AgentJson.Default.CollectiveReply),
        "daemon_stats" => DaemonStats(node, traffic),
        "get_fact" => GetFact(call, node),
        _ => AgentReply.Unknown(call.Action, Name),
    };

    private static AgentDescription Describe(string agent, int timeoutSeconds, string url, string description) => new(
        agent, "Apache-2.0", "R.I.Pienaar <rip@devco.net>", timeoutSeconds, agent, NodeProfile.ChoriaVersion, url, description);

    private static AgentReply Inventory(NodeView node)
    {
        using var facts = JsonDocument.Parse(node.Profile.FactsJson);
        var inventory = new InventoryReply(
            NodeAgents.Sorted,
            [],
            [.. node.Process.Collectives],
            node.Process.IsProvisioning ? [] : ServerDataPlugins,
            facts.RootElement,
            [],
            node.Process.Collectives[0],
            node.Files.Version,
            node.Process.IsProvisioning && node.Profile.Token.AllowsUpdate);
        return AgentReply.Ok(inventory, AgentJson.Default.InventoryReply);
    }

    private static AgentReply DaemonStats(NodeView node, NodeTraffic traffic)
    {
        var stats = new DaemonStatsReply(
            NodeAgents.Sorted,
            node.Profile.ConfigurationFile,
            traffic.Filtered,
            SimulatedProcessId,
            traffic.Passed,
            ["Go go1.26.10 with 19 go procs on 2 cores"],
            traffic.Replies,
            node.Process.StartedAt.ToUnixTimeSeconds(),
            traffic.Expired,
            Events: 1,
            new CpuTimes(0, 0, 0, 0),
            traffic.Received,
            traffic.Unvalidated,
            traffic.Received - traffic.Unvalidated,
            NodeProfile.ChoriaVersion);
        return AgentReply.Ok(stats, AgentJson.Default.DaemonStatsReply);
    }

    private static AgentReply GetFact(AgentCall call, NodeView node)
    {
        var inputs = new GoArguments(call, "input");
        var path = inputs.Text("fact");
        if (inputs.Fault is { } refusal)
        {
            return refusal;
        }

        using var facts = JsonDocument.Parse(node.Profile.FactsJson);
        return AgentReply.Ok(new FactReply(path, Facts.FindOrNull(facts.RootElement, path)), AgentJson.Default.FactReply);
    }
}
