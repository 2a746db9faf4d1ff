using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit.Stage;
using static ControlPlane.Cluster.Tests.Enrolment.FleetAssert;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>Nodes whose events got lost, with real brokers.</summary>
public sealed class UnheardNodeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FleetProtocol.V1, SimulatedFault.UnheardStart)]
    [InlineData(FleetProtocol.V1, SimulatedFault.UnheardArrival)]
    [InlineData(FleetProtocol.V2, SimulatedFault.UnheardArrival)]
    public async Task ANodeWhoseStartWasNotHeard_IsLookedFor_AndIsEnrolledOnce(FleetProtocol protocol, SimulatedFault fault)
    {
        var options = Stages.Hosted with
        {
            MutualTls = protocol == FleetProtocol.V1,
            ChoriaBrokers = true,
            MoreProvisioning = "  SweepInterval: 00:00:10\n  ArrivalDeadline: 00:00:10",
        };
        await using var stage = await Stages.StartAsync(options, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(
            Stages.Fleet(stage, 4, protocol, faulty: (fault, 2)), Token);

        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
        await AssertEnrolled(stage, fleet);
        Assert.All(fleet.Nodes, node => Assert.Equal(1, node.ConfigureCalls));
    }
}
