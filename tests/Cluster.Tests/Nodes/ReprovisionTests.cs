using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>A node that was configured and has not arrived is on its way, whatever the control plane waits for meanwhile.</summary>
public sealed class ReprovisionTests(NodeCluster cluster) : IClassFixture<NodeCluster>
{
    /// <summary>It restarted, and our note of it was lost: begun anew, it would arrive with a certificate that is revoked.</summary>
    [Fact]
    public async Task Reprovision_IsUnderWay_WhenTheNodeWasConfiguredAndMayBeOnItsWay()
    {
        const string identity = "between-networks.example.net";
        cluster.Nodes[identity].FailNext("restart", new NetworkUnavailableException("no reply was heard"));
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Deferred);

        var outcome = await cluster.Node(identity)
            .Reprovision(new ReprovisionRequest("a test"), TestContext.Current.CancellationToken);

        Assert.Equal(new ReprovisionOutcome.UnderWay(NodeStage.Configured), outcome);
        await cluster.Arrive(identity);
        Assert.Equal(1, (await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled)).Attempt);
    }
}
