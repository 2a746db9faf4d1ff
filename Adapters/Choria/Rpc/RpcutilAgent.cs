namespace ControlPlane.Adapters.Choria;

using System.Text.Json;

/// <summary>The <c>rpcutil</c> agent: what a node is and knows.</summary>
public static class RpcutilAgent
{
    public const string Name = "rpcutil";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    public static readonly RpcAction<NoInput, PingOutput> Ping =
        new(Name, "ping", Timeout, WireJson.Types.NoInput, WireJson.Types.PingOutput);

    public static readonly RpcAction<NoInput, AgentInventoryOutput> AgentInventory =
        new(Name, "agent_inventory", Timeout, WireJson.Types.NoInput, WireJson.Types.AgentInventoryOutput);

    public static readonly RpcAction<NoInput, CollectivesOutput> Collectives =
        new(Name, "collective_info", Timeout, WireJson.Types.NoInput, WireJson.Types.CollectivesOutput);

    public static readonly RpcAction<NoInput, DaemonStatsOutput> DaemonStats =
        new(Name, "daemon_stats", Timeout, WireJson.Types.NoInput, WireJson.Types.DaemonStatsOutput);

    public static readonly RpcAction<ConfigItemInput, ConfigItemOutput> GetConfigItem =
        new(Name, "get_config_item", Timeout, WireJson.Types.ConfigItemInput, WireJson.Types.ConfigItemOutput);

    /// <summary>What a data plugin answers: an object that each plugin shapes as it likes.</summary>
    public static readonly RpcAction<DataQueryInput, JsonElement> GetData =
        new(Name, "get_data", Timeout, WireJson.Types.DataQueryInput, WireJson.Types.JsonElement);

    public static readonly RpcAction<FactInput, FactOutput> GetFact =
        new(Name, "get_fact", Timeout, WireJson.Types.FactInput, WireJson.Types.FactOutput);

    public static readonly RpcAction<FactsInput, FactsOutput> GetFacts =
        new(Name, "get_facts", Timeout, WireJson.Types.FactsInput, WireJson.Types.FactsOutput);

    public static readonly RpcAction<NoInput, InventoryOutput> Inventory =
        new(Name, "inventory", Timeout, WireJson.Types.NoInput, WireJson.Types.InventoryOutput);
}
