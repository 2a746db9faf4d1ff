using ControlPlane.Adapters.Choria;
using ControlPlane.Flow;
using ControlPlane.Placement;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>Serves the service agent <c>aaa_signer</c> on the networks of the overlays that this silo serves.</summary>
internal sealed class SignerAgentServer(
    FleetConnections connections,
    IOptions<FleetOptions> fleet,
    IOptions<OverlaysOptions> overlays,
    IOptions<ChoriaSigningOptions> options,
    ChoriaSigner signer,
    TimeProvider time,
    ILogger<SignerAgentServer> logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    /// <summary>One for each collective of each network; none where it is not configured.</summary>
    public IEnumerable<Round> Rounds => !options.Value.ServiceAgent ? [] :
        from member in fleet.Value.ServedMembers(overlays.Value)
        from collective in member.Value.Collectives
        from connection in connections.OfNodes(member.Key).Take(1)
        select new Round(
            "service agent of signatures",
            RetryDelay,
            new SignerAgentResponder(connection, collective, $"{overlays.Value.Region}.controlplane", signer, time, logger).RunAsync,
            IsDueAtOnce: true);
}
