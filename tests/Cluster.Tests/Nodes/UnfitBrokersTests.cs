using ControlPlane.Certificates;
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

        // Whoever goes on has the node's state alone, and that names the certificate only.
        await cluster.DeactivateAll();
        cluster.Logins.Fault = _ => null;
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        Assert.Single(cluster.Nodes[identity].Calls, call => call == "gencsr");
        var ordered = (await cluster.Order(identity, 1))?.Certificate;
        Assert.Equal(
            (ordered?.CertificatePem, ordered?.ChainPem),
            (cluster.Nodes[identity].Configuration?.CertificatePem, cluster.Nodes[identity].Configuration?.ChainPem));
    }

    [Fact]
    public async Task ACertificate_ThatWasRevokedBeforeItWasSent_IsNotSent()
    {
        const string identity = "withdrawn.example.net";
        cluster.Logins.Fault = _ => "nats://127.0.0.1:4222: refused";
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Reason is not null);
        var order = (await cluster.Order(identity, 1))!;
        Assert.NotNull(await cluster.Ledger.TryWriteAsync(
            order with { State = LedgerState.Closed }, TestContext.Current.CancellationToken));

        cluster.Logins.Fault = _ => null;
        await cluster.Until(identity, node => node is { Stage: NodeStage.Restarted, Attempt: 2 });

        var second = await cluster.Order(identity, 2);
        Assert.Equal(second?.Certificate?.CertificatePem, cluster.Nodes[identity].Configuration?.CertificatePem);
        Assert.Equal(2, cluster.Nodes[identity].Calls.Count(call => call == "gencsr"));
    }
}
