using ControlPlane.Adapters.Fleet;
using ControlPlane.Nodes;

namespace ControlPlane.Health;

/// <summary>The networks that this silo is on, by the names of their connections.</summary>
internal static class FleetNetworks
{
    public static IEnumerable<(string Name, NetworkOptions Options)> Of(FleetOptions fleet) =>
        fleet.Overlays.Select(overlay => (overlay.Key, overlay.Value)).Prepend((FleetStreams.ProvisioningNetwork, fleet.Provisioning));
}
