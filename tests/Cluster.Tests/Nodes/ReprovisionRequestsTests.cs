using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>What its owner answers when a plan wants a node to move.</summary>
public sealed class ReprovisionRequestsTests(NodeCluster cluster) : IClassFixture<NodeCluster>
{
    [Fact]
    public async Task ANodeThatWasOnlyHeardOf_IsNotWilling()
    {
        const string identity = "lives-elsewhere.example.net";
        cluster.Nodes[identity].FailNext("jwt", new NodeSilentException("no answer"));
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage is NodeStage.Deferred or NodeStage.Silent);

        Assert.False(await AskAsync(identity));
        Assert.False(await AskAsync("never-heard-of.example.net"));
    }

    [Fact]
    public async Task ANodeThatWasEnrolledHere_IsComing()
    {
        const string identity = "lives-here.example.net";
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled);

        Assert.True(await AskAsync(identity));
    }

    private async Task<bool> AskAsync(string identity) =>
        (await cluster.Node(identity).ReprovisionForJob("plan-drain-1/1 of a", "a test")).State == ReprovisionState.UnderWay;
}
