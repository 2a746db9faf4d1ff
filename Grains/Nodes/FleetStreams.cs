namespace ControlPlane.Nodes;

/// <summary>The names by which fleet events are found as Orleans streams.</summary>
public static class FleetStreams
{
    /// <summary>The stream provider that carries fleet events.</summary>
    public const string Provider = "fleet";

    /// <summary>The namespace of the partition streams; the key is the partition number in decimal, from 0.</summary>
    public const string Namespace = "fleet-events";

    /// <summary>The network of unprovisioned nodes; every other network is named after its overlay.</summary>
    public const string ProvisioningNetwork = "provisioning";
}
