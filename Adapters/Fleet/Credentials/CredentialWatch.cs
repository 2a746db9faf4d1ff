using System.Diagnostics.Metrics;
using ControlPlane.Placement;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Tells operators, at start and twice a day, which credentials end soon; at start also what nodes will not let us do.</summary>
internal sealed partial class CredentialWatch(
    CredentialEnds credentials,
    IOptions<FleetOptions> fleet,
    IOptions<OverlaysOptions> overlays,
    TimeProvider time,
    Loops loops,
    ILogger<CredentialWatch> logger) : BackgroundService
{
    private const string PolicyFile = "choria_provision.policy";

    private static readonly TimeSpan Interval = TimeSpan.FromHours(12);

    private readonly Meter meter = new("ControlPlane.Credentials");

    public override void Dispose()
    {
        meter.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The settings are configured: a closed set.
        meter.CreateObservableGauge(
            "controlplane.credentials.remaining",
            () => credentials.All().Select(one => new Measurement<double>(
                (one.EndsAt - time.GetUtcNow()).TotalSeconds, new KeyValuePair<string, object?>("setting", one.Setting))),
            "s",
            "How long a credential of this silo is still good; negative when it has ended.");

        foreach (var overlay in Unwilling(fleet.Value, overlays.Value))
        {
            LogUnwilling(overlay, PolicyFile);
        }

        return loops.RunAsync("watch of credentials", Interval, isDueAtOnce: true, _ => Warn(), stoppingToken);
    }

    private Task Warn()
    {
        foreach (var warning in credentials.Warnings())
        {
            LogEnding(warning);
        }

        return Task.CompletedTask;
    }

    /// <summary>Overlays whose nodes are told to look for a policy that they are not given: they refuse <c>reprovision</c>.</summary>
    internal static IEnumerable<string> Unwilling(FleetOptions fleet, OverlaysOptions overlays) =>
        from member in overlays.Members
        where fleet.CallerProof is not null && fleet.Overlays.ContainsKey(member.Key)
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
