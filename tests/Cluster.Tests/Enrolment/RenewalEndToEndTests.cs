using ControlPlane.Certificates;
using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>
/// Renewal with real processes. An hour is the shortest life that there is, and a tenth of it the soonest renewal: sixty nodes renew
/// over the six minutes after their arrival, a few of them while the test looks.
/// </summary>
public sealed class RenewalEndToEndTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NodesRenewSpreadAndBeforeTheEnd_ThoughTheSiloIsKilled_AndHoldOneLiveCertificateEach()
    {
        var options = new EnrolmentStageOptions
        {
            SiloProgram = Stages.SiloProgram,
            MutualTls = false,
            V2Credentials = "Both",
            CertificateLifetime = Life,
            MoreProvisioning = "  ServerTokenLifetime: 01:00:00\n  RenewAfterShare: 0.1\n  SweepInterval: 00:00:10",
        };
        await using var stage = await Stages.StartAsync(options, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, 60, FleetProtocol.Both), Token);
        await UntilAsync(() => Task.FromResult(fleet.Nodes.All(node => node.ConfigureCalls > 0)), "all are configured", stage);
        var first = fleet.Nodes.ToDictionary(node => node.Identity, node => node.CertificateSerial);

        // In the middle: a node has fallen back to renew, and has not got its new certificate.
        SimulatedNode? renewing = null;
        await UntilAsync(() => Task.FromResult((renewing = fleet.Nodes.FirstOrDefault(IsRenewing)) is not null), "a node renews", stage);
        await stage.Silo!.KillAsync();
        await stage.StartSiloAsync(Token);

        await UntilAsync(() => Task.FromResult(HasRenewed(renewing!)), "the node goes on", stage);
        var renewed = fleet.Nodes.Where(HasRenewed).ToList();
        await UntilAsync(() => IsSettledAsync(stage, fleet, renewed), "one live certificate for each node, which it holds", stage);

        var roster = await new ControlPlaneView(stage).ListAsync(Token);
        var dues = roster.Where(node => node.Stage == NodeStage.Enrolled).Select(node => node.DueAt!.Value).Order().ToList();
        Assert.True(dues[^1] - dues[0] > Life / 60, $"all are due within {dues[^1] - dues[0]}");
        Assert.True(dues[^1] < TimeProvider.System.GetUtcNow() + (Life * 0.11), $"the last is due at {dues[^1]:u}");

        bool IsRenewing(SimulatedNode node) => node is { Stage: SimulatedNodeStage.Provisioning, Starts: > 2 };
        bool HasRenewed(SimulatedNode node) => node.ConfigureCalls > 1 && node.CertificateSerial != first[node.Identity];
    }

    /// <summary>Renewals go on all the while: what became of the old certificates is asked of those that had renewed by then.</summary>
    private static async Task<bool> IsSettledAsync(EnrolmentStage stage, SimulatedFleet fleet, IReadOnlyList<SimulatedNode> renewed)
    {
        var arrived = fleet.Nodes.Where(node => node.Stage == SimulatedNodeStage.Arrived)
            .Select(node => (node.Identity, Serial: node.CertificateSerial?.TrimStart('0'))).ToList();
        var orders = (await LedgerView.ReadAsync(stage.Redis.ConnectionString, EnrolmentStage.Overlay, Token))
            .ToLookup(order => order.Identity);
        var revoked = await RevocationListView.ReadAsync(stage.Silo!.Api, Token);
        return arrived.All(node => orders[node.Identity].Any(order => IsLive(order) && Serial(order) == node.Serial))
            && renewed.All(node => orders[node.Identity].Count(IsLive) == 1
                && orders[node.Identity].Where(order => !IsLive(order)).All(order => IsRevoked(order, revoked)));
    }

    private static bool IsLive(LedgerEntry order) => order.State == LedgerState.Issued;

    private static bool IsRevoked(LedgerEntry order, IReadOnlySet<string> revoked) =>
        order.State == LedgerState.Closed && (Serial(order) is not { } serial || revoked.Contains(serial));

    private static string? Serial(LedgerEntry order) => order.Certificate?.SerialNumber.TrimStart('0');

    private static Task UntilAsync(Func<Task<bool>> condition, string what, EnrolmentStage stage) =>
        Readiness.UntilAsync(_ => condition(), what, Token, () => stage.Silo?.Output ?? "", Deadline);
}
