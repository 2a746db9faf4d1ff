using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>Server tokens that end before a test does: what holds them is due for renewal at once.</summary>
public sealed class ShortLivedCluster : NodeCluster
{
    protected override TimeSpan? ServerTokenLife => TimeSpan.FromSeconds(10);
}

public sealed class RenewalTests(ShortLivedCluster cluster) : IClassFixture<ShortLivedCluster>
{
    [Fact]
    public async Task Continue_EnrolsTheNodeAnew_BeforeWhatItHoldsEnds()
    {
        const string identity = "renewed.example.net";
        cluster.Nodes[identity].Protocol = NodeProtocol.V2;
        await Enrol(identity, attempt: 1);

        // The roster calls the node when it is due; nobody else does anything.
        await TestKit.Readiness.UntilAsync(
            _ => Task.FromResult(cluster.Nodes[identity].Calls.Contains($"reprovision in {NodeCluster.Overlay}")), "the renewal", Cancel);
        await Enrol(identity, attempt: 2);

        var node = await cluster.Node(identity).Get();
        Assert.Equal((NodeStage.Enrolled, 2), (node.Stage, node.Attempt));
        Assert.Contains(node.History, step => step.Detail == "asked to renew what it holds");
    }

    [Fact]
    public async Task Continue_LeavesTheNodeEnrolled_WhenItDoesNotAnswer()
    {
        const string identity = "unwilling.example.net";
        cluster.Nodes[identity].Protocol = NodeProtocol.V2;
        cluster.Nodes[identity].FailNext($"reprovision in {NodeCluster.Overlay}", new NodeSilentException("no answer"));
        await Enrol(identity, attempt: 1);

        var node = await cluster.Until(identity, one => one.History.Any(step => step.Detail?.Contains("in vain: no answer") == true));

        Assert.Equal(NodeStage.Enrolled, node.Stage);
        Assert.True(node.DueAt > TimeProvider.System.GetUtcNow().AddSeconds(-5));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task Enrol(string identity, int attempt)
    {
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted && node.Attempt == attempt);
        await cluster.Arrive(identity);
    }
}
