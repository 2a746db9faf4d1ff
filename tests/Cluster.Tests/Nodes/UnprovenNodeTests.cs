using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>A site where each node has a provisioning token of its own; the fake attestor's are all of the node <c>acme</c>.</summary>
public sealed class UnprovenNodeTests(UnprovenNodeTests.StrictCluster cluster) : IClassFixture<UnprovenNodeTests.StrictCluster>
{
    [Fact]
    public async Task Continue_QuarantinesWhoHasNoTokenOfItsOwn_AndAsksItForNoKeys()
    {
        await cluster.Start("someone.example.net");

        var refused = await cluster.Until("someone.example.net", node => node.Stage == NodeStage.Quarantined);
        Assert.Equal(Refusal.Unproven, refused.Refusal);
        Assert.DoesNotContain("gencsr", cluster.Nodes["someone.example.net"].Calls);

        await cluster.Start("acme");
        await cluster.Until("acme", node => node.Stage == NodeStage.Restarted);
    }

    public sealed class StrictCluster : NodeCluster
    {
        public StrictCluster() => Proof = options => options.IdentityClaim = "extensions.customer";
    }
}
