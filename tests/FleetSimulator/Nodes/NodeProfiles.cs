using System.Text;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.FleetSimulator.Tokens;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>Makes the nodes of a fleet from its options.</summary>
internal static class NodeProfiles
{
    private const string PrivilegedSuffix = ".mcollective";

    public static NodeProfile Make(int index, SimulatedFault fault, SimulatedFleetOptions options, TokenMint mint)
    {
        var identity = NumberPattern.Expand(options.IdentityPattern, index);
        var protocol = options.Protocol switch
        {
            FleetProtocol.V1 => ChoriaProtocol.V1,
            FleetProtocol.V2 => ChoriaProtocol.V2,
            _ => index % 2 == 0 ? ChoriaProtocol.V1 : ChoriaProtocol.V2,
        };
        return new NodeProfile(
            fault == SimulatedFault.PrivilegedName ? identity + PrivilegedSuffix : identity,
            protocol,
            mint.For(protocol, fault, options.ExtensionsPattern is { } extensions ? NumberPattern.Expand(extensions, index) : null),
            fault,
            Encoding.UTF8.GetBytes(NumberPattern.Expand(options.FactsPattern, index)),
            NumberPattern.Expand(options.ConfigurationDirectoryPattern, index))
        {
            RestartDelay = options.RestartDelay,
        };
    }
}
