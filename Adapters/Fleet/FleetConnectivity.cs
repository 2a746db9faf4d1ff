using ControlPlane.Fleet;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Hears while the connection to the brokers of this overlay is open.</summary>
internal sealed class FleetConnectivity(FleetConnections connections, IOptions<OverlaysOptions> overlays) : IFleetConnectivity
{
    public bool IsHearing => connections.Of(overlays.Value.Local) is [{ ConnectionState: NatsConnectionState.Open }, ..];
}
