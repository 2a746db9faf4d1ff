namespace ControlPlane.FleetSimulator.Agents;

/// <summary>The agents that an unprovisioned node has, and that a provisioned one keeps.</summary>
internal static class NodeAgents
{
    public const string Discovery = "discovery";

    /// <summary>As replies list them.</summary>
    public static readonly string[] Sorted = [ProvisionAgent.Name, UtilityAgent.Name, Discovery, InventoryAgent.Name];

    /// <summary>In the order in which a node subscribes to them.</summary>
    public static readonly string[] AsSubscribed = [Discovery, InventoryAgent.Name, UtilityAgent.Name, ProvisionAgent.Name];

    /// <summary>Those that filters are compared with.</summary>
    public static readonly string[] All = [.. Sorted, JobAgent.Name];

    /// <summary>The reaction to a call of an agent that the node has; null for any other, which Choria drops.</summary>
    public static Reaction? Answer(AgentCall call, NodeView node, NodeTraffic traffic, TimeSpan slowDelay) => call.Agent switch
    {
        ProvisionAgent.Name => ProvisionAgent.Answer(call, node),
        InventoryAgent.Name => new Reaction(InventoryAgent.Answer(call, node, traffic)),
        UtilityAgent.Name => new Reaction(UtilityAgent.Answer(call, node, traffic)),
        JobAgent.Name when !node.Process.IsProvisioning => JobAgent.Answer(call, node, slowDelay),
        _ => null,
    };
}
