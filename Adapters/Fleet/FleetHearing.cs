using ControlPlane.Liveness;
using ControlPlane.Overlays;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Hears while the connection to the brokers of this overlay is open.</summary>
internal sealed class FleetHearing(FleetConnections connections, IOptions<OverlaysOptions> overlays) : IHearing
{
    public bool IsHearing => connections.Of(overlays.Value.Local) is [{ ConnectionState: NatsConnectionState.Open }, ..];
}
