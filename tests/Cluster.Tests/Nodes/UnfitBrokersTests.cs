using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>One silo whose nodes are asked again soon.</summary>
public sealed class BrokersCluster : NodeCluster
{
    public BrokersCluster() =>
        Provisioning = options => (options.RetryDelay, options.RetryDelayMax) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
}

public sealed class UnfitBrokersTests(BrokersCluster cluster) : IClassFixture<BrokersCluster>
{
    [Fact]
    public async Task ANode_ThatWouldNotComeBack_IsNotSentAway_AndGoesOnWithItsKeys_WhenItWould()
    {
        const string identity = "stranded.example.net";
        cluster.Logins.Fault = _ => "nats://127.0.0.1:4222: its certificate is of another CA";
        await cluster.Start(identity);

        var held = await cluster.Until(identity, node => node.Reason is not null);

        Assert.Equal(
            "a node that is configured for overlay-1 would not come back: nats://127.0.0.1:4222: its certificate is of another CA",
            held.Reason);
        Assert.Null(cluster.Nodes[identity].Configuration);

        cluster.Logins.Fault = _ => null;
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        Assert.Single(cluster.Nodes[identity].Calls, call => call == "gencsr");
    }
}
