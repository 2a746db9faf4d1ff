using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Fleet;

/// <summary>The protocols that the provisioning network speaks: those configured, or both.</summary>
internal static class SpokenProtocols
{
    private static readonly NodeProtocol[] Both = [NodeProtocol.V2, NodeProtocol.V1];

    public static IEnumerable<ChoriaProtocol> Of(FleetOptions options) =>
        (options.Protocols.Count == 0 ? Both : options.Protocols.Distinct())
            .Select(protocol => protocol == NodeProtocol.V1 ? ChoriaProtocol.V1 : ChoriaProtocol.V2);
}
