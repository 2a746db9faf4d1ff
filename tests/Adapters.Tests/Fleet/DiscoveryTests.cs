using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Tests.FleetSimulator;
using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Tests.Fleet;

public sealed class DiscoveryTests
{
    [Fact]
    public async Task SweepAsync_FindsTheNodesOfBothProtocols_EachWithItsOwn()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var network = await ProvisioningNetwork.StartAsync(mutualTls: false, cancellationToken);
        await using var fleet = await SimulatedFleet.StartAsync(
            new SimulatedFleetOptions
            {
                Brokers = network.Unprovisioned.Url,
                Nodes = 6,
                Protocol = FleetProtocol.Both,
                IssuerSeed = FleetParts.IssuerSeed,
                SignerKeyPem = network.SignerKeyPem,
            },
            cancellationToken);
        Assert.True(await fleet.WaitForAnnouncementsAsync(TimeSpan.FromSeconds(30), cancellationToken: cancellationToken));
        await using var parts = new FleetParts(network.Unprovisioned.Url, configure: options =>
        {
            options.Provisioning!.Tls = true;
            options.Provisioning.CaFile = network.Pki.AuthorityPath;
            options.DiscoveryWindow = TimeSpan.FromSeconds(3);
        });

        var found = new Dictionary<string, NodeProtocol>(StringComparer.Ordinal);
        await foreach (var node in parts.Discovery.SweepAsync(cancellationToken))
        {
            found[node.Identity] = node.Protocol;
        }

        Assert.Equal(fleet.Nodes.Select(node => node.Identity).Order(), found.Keys.Order());
        Assert.Equal(3, found.Values.Count(protocol => protocol == NodeProtocol.V1));
        Assert.Equal(3, found.Values.Count(protocol => protocol == NodeProtocol.V2));
    }
}
