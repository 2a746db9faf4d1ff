namespace ControlPlane.Adapters.Choria;

using System.Text.Json;

/// <summary>The <c>rpcutil</c> agent: what a node is and knows.</summary>
public static class RpcutilAgent
{
    public const string Name = "rpcutil";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    public static readonly RpcAction<NoInput, PingOutput> Ping =
        new(Name, "ping", Timeout, WireJson.Rpc.NoInput, WireJson.Rpc.PingOutput);

    public static readonly RpcAction<NoInput, AgentInventoryOutput> AgentInventory =
        new(Name, "agent_inventory", Timeout, WireJson.Rpc.NoInput, WireJson.Rpc.AgentInventoryOutput);

    public static readonly RpcAction<NoInput, CollectivesOutput> Collectives =
        new(Name, "collective_info", Timeout, WireJson.Rpc.NoInput, WireJson.Rpc.CollectivesOutput);

    public static readonly RpcAction<NoInput, DaemonStatsOutput> DaemonStats =
        new(Name, "daemon_stats", Timeout, WireJson.Rpc.NoInput, WireJson.Rpc.DaemonStatsOutput);

    public static readonly RpcAction<ConfigItemInput, ConfigItemOutput> GetConfigItem =
        new(Name, "get_config_item", Timeout, WireJson.Rpc.ConfigItemInput, WireJson.Rpc.ConfigItemOutput);

    /// <summary>What a data plugin answers: an object that each plugin shapes as it likes.</summary>
    public static readonly RpcAction<DataQueryInput, JsonElement> GetData =
        new(Name, "get_data", Timeout, WireJson.Rpc.DataQueryInput, WireJson.Rpc.JsonElement);

    public static readonly RpcAction<FactInput, FactOutput> GetFact =
        new(Name, "get_fact", Timeout, WireJson.Rpc.FactInput, WireJson.Rpc.FactOutput);

    public static readonly RpcAction<FactsInput, FactsOutput> GetFacts =
        new(Name, "get_facts", Timeout, WireJson.Rpc.FactsInput, WireJson.Rpc.FactsOutput);

    public static readonly RpcAction<NoInput, InventoryOutput> Inventory =
        new(Name, "inventory", Timeout, WireJson.Rpc.NoInput, WireJson.Rpc.InventoryOutput);
}
