using System.Diagnostics.Metrics;
using ControlPlane.Placement;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Tells operators, at start and twice a day, which credentials end soon, and what nodes will not let us do.</summary>
internal sealed partial class CredentialWatch : IDisposable
{
    private const string PolicyFile = "choria_provision.policy";

    private readonly Meter meter = new("ControlPlane.Credentials");
    private readonly CredentialEnds credentials;
    private readonly IOptions<FleetOptions> fleet;
    private readonly IOptions<OverlaysOptions> overlays;
    private readonly ILogger<CredentialWatch> logger;

    public CredentialWatch(
        CredentialEnds credentials,
        IOptions<FleetOptions> fleet,
        IOptions<OverlaysOptions> overlays,
        TimeProvider time,
        ILogger<CredentialWatch> logger)
    {
        (this.credentials, this.fleet, this.overlays, this.logger) = (credentials, fleet, overlays, logger);

        // The settings are configured: a closed set.
        meter.CreateObservableGauge(
            "controlplane.credentials.remaining",
            () => credentials.All().Select(one => new Measurement<double>(
                (one.EndsAt - time.GetUtcNow()).TotalSeconds, new KeyValuePair<string, object?>("setting", one.Setting))),
            "s",
            "How long a credential of this silo is still good; negative when it has ended.");
    }

    public void Warn()
    {
        foreach (var overlay in Unwilling(fleet.Value, overlays.Value))
        {
            LogUnwilling(overlay, PolicyFile);
        }

        foreach (var warning in credentials.Warnings())
        {
            LogEnding(warning);
        }
    }

    public void Dispose() => meter.Dispose();

    /// <summary>Overlays whose nodes are told to look for a policy that they are not given: they refuse <c>reprovision</c>.</summary>
    internal static IEnumerable<string> Unwilling(FleetOptions fleet, OverlaysOptions overlays) =>
        from member in fleet.ServedMembers(overlays)
        where fleet.CallerProof is not null
        where RpcAuthorization.IsByPolicyFile(member.Value.Configuration) && !member.Value.ActionPolicies.ContainsKey(PolicyFile)
        select member.Key;

    [LoggerMessage(LogLevel.Warning, "A credential is about to end: {What}")]
    private partial void LogEnding(string what);

    [LoggerMessage(
        LogLevel.Warning,
        "Nodes of {Overlay} will refuse reprovision, and with it renewal: they decide by policy files (rpcauthorization) and are given no "
            + "{PolicyFile}; add it to Overlays:Members:{Overlay}:ActionPolicies, or set rpcauthorization: \"0\" in its Configuration")]
    private partial void LogUnwilling(string overlay, string policyFile);
}
