using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>What was heard while the store was away is acted on when it is delivered again.</summary>
public sealed class StorageOutageTests(NodeCluster cluster) : IClassFixture<NodeCluster>, IDisposable
{
    // Whatever a test ended with: the others have a store.
    public void Dispose() => cluster.Outage.Of = null;

    [Fact]
    public async Task Observe_TakesAnArrivalThatIsDeliveredAgain_WhenItCouldNotBeWritten()
    {
        const string identity = "arrived-in-an-outage.example.net";
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        var arrival = cluster.ArrivalOf(identity);

        cluster.Outage.Of = "node";
        await Assert.ThrowsAnyAsync<Exception>(() => cluster.Observe(arrival));
        Assert.Equal(NodeStage.Restarted, (await cluster.Node(identity).Get()).Stage);

        cluster.Outage.Of = null;
        await cluster.Observe(arrival);
        Assert.Equal(NodeStage.Enrolled, (await cluster.Node(identity).Get()).Stage);
    }

    [Fact]
    public async Task Observe_IsNotDone_UntilThatTheNodeIsDueIsStored()
    {
        const string identity = "started-in-an-outage.example.net";
        var started = cluster.StartOf(identity);

        cluster.Outage.Of = "roster";
        await Assert.ThrowsAnyAsync<Exception>(() => cluster.Observe(started));
        await Assert.ThrowsAnyAsync<Exception>(() => cluster.Observe(started));

        cluster.Outage.Of = null;
        await cluster.Observe(started);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
    }

    [Fact]
    public async Task Reprovision_LeavesTheNodeAsItWas_WhenThatItIsDueCannotBeStored()
    {
        const string identity = "asked-in-an-outage.example.net";
        cluster.Nodes[identity].FailNext("jwt", new NodeRefusedException(NodeFault.SecretMismatch, "Incorrect provision token supplied"));
        await cluster.Start(identity);
        await UntilAtRest(identity, NodeStage.Quarantined);
        var request = new ReprovisionRequest("mended");

        cluster.Outage.Of = "roster";
        await Assert.ThrowsAnyAsync<Exception>(() => cluster.Node(identity).Reprovision(request, TestContext.Current.CancellationToken));
        Assert.Equal(NodeStage.Quarantined, (await cluster.Node(identity).Get()).Stage);

        cluster.Outage.Of = null;
        Assert.IsType<ReprovisionOutcome.Accepted>(
            await cluster.Node(identity).Reprovision(request, TestContext.Current.CancellationToken));
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
    }

    // The node's own answer comes before the roster's call of it has ended. Until then it is stored as due, and what makes it due once more
    // is promised without another write.
    private async Task UntilAtRest(string identity, NodeStage stage)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(60));
        while (!(await cluster.Roster(identity).List(stage, null, 1000)).Any(entry => entry.Identity == identity))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
        }
    }
}
