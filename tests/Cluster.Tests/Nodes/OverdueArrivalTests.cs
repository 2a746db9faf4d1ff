using ControlPlane.Certificates;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>Arrivals are overdue as soon as the options allow.</summary>
public sealed class ImpatientCluster : NodeCluster
{
    public ImpatientCluster() => Provisioning = options => options.ArrivalDeadline = TimeSpan.FromSeconds(10);
}

public sealed class OverdueArrivalTests(ImpatientCluster cluster) : IClassFixture<ImpatientCluster>
{
    [Fact]
    public async Task Sighted_CostsANodeNothing_WhenItLivesInItsOverlayAllTheSame()
    {
        const string identity = "slandered.example.net";
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
        var before = await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled);

        // A reply that lay in the socket of a silo that was stopped: the node is not there any more.
        cluster.Nodes[identity].LivesIn = NodeCluster.Overlay;
        cluster.Nodes[identity].FailNext("jwt", new NodeSilentException("no answer"));
        await cluster.AnswerSweep(identity);

        var after = await cluster.Until(identity, node => node.History[^1].Detail == $"it is heard in {NodeCluster.Overlay} as before");
        Assert.Equal((NodeStage.Enrolled, 1), (after.Stage, after.Attempt));
        Assert.Equal(before.Certificate?.SerialNumber, after.Certificate?.SerialNumber);
        Assert.Equal(LedgerState.Issued, (await cluster.Order(identity, 1))?.State);
    }

    [Fact]
    public async Task Continue_RefusesTheNewcomer_WhenTheNodeAnswersByTheKeyThatItHeldBefore()
    {
        const string identity = "displaced.example.net";
        var node = cluster.Nodes[identity];
        node.Protocol = NodeProtocol.V2;
        await cluster.Start(identity);
        await cluster.Until(identity, seen => seen.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
        await cluster.Until(identity, seen => seen.Stage == NodeStage.Enrolled);
        var held = node.Ed25519PublicKey;

        // It was silent when it was asked, and another answered in its name.
        node.Ed25519PublicKey = new string('b', 64);
        await cluster.Start(identity);
        await cluster.Until(identity, seen => seen is { Stage: NodeStage.Restarted, Attempt: 2 });
        (node.LivesIn, node.SignsWith) = (NodeCluster.Overlay, held);

        var after = await cluster.Until(identity, seen => seen.Stage == NodeStage.Enrolled);
        Assert.Equal(
            $"somebody enrols in its name on the provisioning network while it answers in {NodeCluster.Overlay}, by the key that it holds",
            after.History[^1].Detail);
    }

    [Fact]
    public async Task Continue_JudgesAnOverdueNode_ByWhereItAnswers()
    {
        const string arrived = "arrived.example.net";
        const string provisioning = "provisioning.example.net";
        const string nowhere = "nowhere.example.net";
        foreach (var identity in (string[])[arrived, provisioning, nowhere])
        {
            await cluster.Start(identity);
            await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        }

        cluster.Nodes[arrived].LivesIn = NodeCluster.Overlay;
        cluster.Nodes[nowhere].FailNext("jwt", new NodeSilentException("no answer"));

        var enrolled = await cluster.Until(arrived, node => node.Stage == NodeStage.Enrolled);
        Assert.Equal(1, enrolled.Attempt);
        Assert.Equal(LedgerState.Issued, (await cluster.Order(arrived, 1))?.State);

        await cluster.Until(provisioning, node => node is { Stage: NodeStage.Restarted, Attempt: 2 });
        Assert.NotEqual(LedgerState.Issued, (await cluster.Order(provisioning, 1))?.State);

        // Silence proves nothing: what it may be living by stays valid, and it is looked for again.
        var silent = await cluster.Until(nowhere, node => node.Stage is NodeStage.Deferred or NodeStage.Silent);
        Assert.Contains("answers neither there nor in provisioning mode", silent.Reason, StringComparison.Ordinal);
        Assert.Equal(LedgerState.Issued, (await cluster.Order(nowhere, 1))?.State);
        cluster.Nodes[nowhere].LivesIn = NodeCluster.Overlay;
        Assert.Equal(1, (await cluster.Until(nowhere, node => node.Stage == NodeStage.Enrolled)).Attempt);
    }
}
