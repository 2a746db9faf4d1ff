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

    [Fact]
    public async Task ReprovisionForJob_HasANodeEnrolOnce_HoweverOftenItIsAskedInOneName()
    {
        const string identity = "for-a-job.example.net";
        await EnrolAsync(identity, attempt: 1);
        var node = cluster.Node(identity);
        Assert.Equal(ReprovisionState.NotAsked, (await node.FindReprovision(First)).State);

        // It may not have heard: as long as it does not leave, it is told again.
        Assert.Equal(ReprovisionState.UnderWay, (await node.ReprovisionForJob(First, "job 4711")).State);
        Assert.Equal(ReprovisionState.UnderWay, (await node.ReprovisionForJob(First, "job 4711")).State);
        Assert.Equal(2, Told(identity));
        await cluster.Start(identity);
        await cluster.Until(identity, known => known.Stage == NodeStage.Restarted);
        Assert.Equal(ReprovisionState.UnderWay, (await node.ReprovisionForJob(First, "job 4711")).State);
        await cluster.Arrive(identity);
        await cluster.Until(identity, known => known is { Stage: NodeStage.Enrolled, Attempt: 2 });

        // It has arrived, also for who did not hear that it began.
        await cluster.DeactivateAll();
        var done = await node.ReprovisionForJob(First, "job 4711");
        Assert.Equal((ReprovisionState.Arrived, NodeCluster.Overlay), (done.State, done.Overlay));
        Assert.Equal((done, 2), (await node.FindReprovision(First), Told(identity)));

        // Another name is another enrolment.
        Assert.Equal(ReprovisionState.UnderWay, (await node.ReprovisionForJob("4711/2 of a", "job 4711")).State);
        Assert.Equal((ReprovisionState.NotAsked, 3), ((await node.FindReprovision(First)).State, Told(identity)));
    }

    [Fact]
    public async Task ReprovisionForJob_TellsANode_WhoseSiloEndedBeforeItWasTold()
    {
        const string identity = "half-asked.example.net";
        await EnrolAsync(identity, attempt: 1);
        var node = cluster.Node(identity);
        cluster.Nodes[identity].FailNext($"reprovision in {NodeCluster.Overlay}", new InvalidOperationException("the silo ends here"));
        await Assert.ThrowsAnyAsync<Exception>(() => node.ReprovisionForJob(First, "job 4711"));
        await cluster.DeactivateAll();

        Assert.Equal(ReprovisionState.UnderWay, (await node.FindReprovision(First)).State);
        Assert.Equal((ReprovisionState.UnderWay, 2), ((await node.ReprovisionForJob(First, "job 4711")).State, Told(identity)));
    }

    [Fact]
    public async Task ReprovisionForJob_IsAnsweredByWhatBecameOfTheNode()
    {
        const string identity = "not-for-a-job.example.net";
        var node = cluster.Node(identity);
        Assert.Equal(ReprovisionStatus.Failed("it was never enrolled here"), await node.ReprovisionForJob(First, "job 4711"));
        await EnrolAsync(identity, attempt: 1);

        // Before the node is told it is stored that it is asked.
        cluster.Outage.Of = "node";
        await Assert.ThrowsAnyAsync<Exception>(() => node.ReprovisionForJob(First, "job 4711"));
        cluster.Outage.Of = null;
        Assert.Equal((ReprovisionState.NotAsked, 0), ((await node.FindReprovision(First)).State, Told(identity)));

        cluster.Nodes[identity].FailNext($"reprovision in {NodeCluster.Overlay}", new NodeSilentException("no reply"));
        Assert.Equal(ReprovisionStatus.Failed("no reply"), await node.ReprovisionForJob(First, "job 4711"));
        Assert.Equal(ReprovisionState.NotAsked, (await node.FindReprovision(First)).State);

        // Among many it is not brought back.
        await node.Decommission(new DecommissionRequest("it is sold"));
        Assert.Equal(ReprovisionStatus.Failed("it was decommissioned"), await node.ReprovisionForJob(First, "job 4711"));
        Assert.Equal(NodeStage.Gone, (await node.Get()).Stage);
    }

    private const string First = "4711/1 of a";

    private int Told(string identity) => cluster.Nodes[identity].Calls.Count(call => call == $"reprovision in {NodeCluster.Overlay}");

    private async Task EnrolAsync(string identity, int attempt)
    {
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled && node.Attempt == attempt);
    }
}
