using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>A fleet against stock nats-server, through all of its enrolment.</summary>
public sealed class SimulatedFleetTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FleetProtocol.V1)]
    [InlineData(FleetProtocol.V2)]
    public async Task Enrolment_BringsTheNodeToItsTargetNetwork_WhenEachStepIsDone(FleetProtocol protocol)
    {
        await using var network = await ProvisioningNetwork.StartAsync(mutualTls: protocol == FleetProtocol.V1, Cancelled);
        await using var provisioner = await network.ProvisionerAsync(Cancelled);
        await using var fleet = await SimulatedFleet.StartAsync(Options(network, 3, protocol), Cancelled);
        Assert.True(await fleet.WaitForAnnouncementsAsync(Patience, cancellationToken: Cancelled), fleet.Nodes[0].Problem);

        await Task.WhenAll(fleet.Nodes.Select(node => provisioner.EnrolAsync(node.Identity, node.Protocol, network.Fleet.Url)));

        Assert.True(await fleet.WaitForArrivalsAsync(Patience, cancellationToken: Cancelled), fleet.Nodes[0].Problem);
        Assert.All(fleet.Nodes, node => Assert.Equal(network.Fleet.Url, node.Network));
        Assert.All(fleet.Nodes, node => Assert.Equal(2, node.Starts));
        Assert.Equal(3, fleet.Nodes.Select(node => node.PublicKeyFingerprint ?? node.Ed25519PublicKey).Distinct().Count());
        Assert.Equal(
            [LifecycleKind.Startup, LifecycleKind.Provisioned, LifecycleKind.Shutdown],
            provisioner.Events.Where(said => said.Identity == fleet.Nodes[0].Identity).Select(said => said.Kind));
    }

    [Fact]
    public async Task Enrolment_WorksForNodesThatShareConnections()
    {
        await using var network = await ProvisioningNetwork.StartAsync(mutualTls: false, Cancelled);
        await using var provisioner = await network.ProvisionerAsync(Cancelled);
        await using var fleet = await SimulatedFleet.StartAsync(Options(network, 20, FleetProtocol.Both, nodesPerConnection: 8), Cancelled);
        Assert.True(await fleet.WaitForAnnouncementsAsync(Patience, cancellationToken: Cancelled));

        await Task.WhenAll(fleet.Nodes.Select(node => provisioner.EnrolAsync(node.Identity, node.Protocol, network.Fleet.Url)));

        Assert.True(await fleet.WaitForArrivalsAsync(Patience, cancellationToken: Cancelled));
        Assert.All(fleet.Nodes, node => Assert.Equal(1, node.ConfigureCalls));
    }

    private static SimulatedFleetOptions Options(
        ProvisioningNetwork network, int nodes, FleetProtocol protocol, int nodesPerConnection = 1) => new()
    {
        Brokers = network.Unprovisioned.Url,
        Nodes = nodes,
        Protocol = protocol,
        IssuerSeed = network.Issuer.ExportSeedHex(),
        SignerKeyPem = network.SignerKeyPem,
        RestartDelay = TimeSpan.FromMilliseconds(100),
        NodesPerConnection = nodesPerConnection,
        KeyPool = nodes,
        PairKeys = nodes > 3,
    };
}
