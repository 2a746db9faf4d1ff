using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>What silos answer when the region's placement wants a node to move.</summary>
public sealed class ReprovisionRequestsTests(NodeCluster cluster) : IClassFixture<NodeCluster>
{
    [Fact]
    public async Task ANodeThatWasOnlyHeardOf_IsUnknown_SoThatTheSilosThatKeepItAreAsked()
    {
        const string identity = "lives-elsewhere.example.net";
        cluster.Nodes[identity].FailNext("jwt", new NodeSilentException("no answer"));
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage is NodeStage.Deferred or NodeStage.Silent);

        Assert.Equal(ReprovisionAnswer.Unknown, await AskAsync(identity));
        Assert.Equal(ReprovisionAnswer.Unknown, await AskAsync("never-heard-of.example.net"));
    }

    [Fact]
    public async Task ANodeThatWasEnrolledHere_IsComing()
    {
        const string identity = "lives-here.example.net";
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled);

        Assert.Equal(ReprovisionAnswer.Coming, await AskAsync(identity));
    }

    private async Task<ReprovisionAnswer?> AskAsync(string identity)
    {
        var order = new LinkRequest(
            LinkVerb.Reprovision, "test", NodeCluster.Overlay, NodeCluster.Overlay, Epoch: 0, Identity: identity, Reason: "a test");
        return (await cluster.Placement.Answer(order)).Summoned;
    }
}
