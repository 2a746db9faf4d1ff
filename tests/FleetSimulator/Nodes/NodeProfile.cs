using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.FleetSimulator.Tokens;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>What never changes about a node while the simulator runs.</summary>
/// <param name="Identity">The name that the node derives from its machine.</param>
/// <param name="Protocol">What it speaks; in V2 its security is tokens, in V1 certificates.</param>
/// <param name="Token">Its <c>provisioning.jwt</c>.</param>
/// <param name="Fault">How it misbehaves.</param>
/// <param name="FactsJson">Its facts, a JSON object.</param>
/// <param name="ConfigurationDirectory">Where its configuration file is, as it tells others; nothing is written there.</param>
internal sealed record NodeProfile(
    string Identity,
    ChoriaProtocol Protocol,
    ProvisioningToken Token,
    SimulatedFault Fault,
    ReadOnlyMemory<byte> FactsJson,
    string ConfigurationDirectory)
{
    /// <summary>The version of Choria that the captures were made with.</summary>
    public const string ChoriaVersion = "0.30.2";

    public string ConfigurationFile => ConfigurationDirectory + "/server.conf";

    public string SslDirectory => ConfigurationDirectory + "/ssl";

    /// <summary>What a restart takes instead of the time that Choria would take; null to behave as Choria.</summary>
    public TimeSpan? RestartDelay { get; init; }
}
