
using ControlPlane.Certificates;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>A machine on the provisioning network starts, and answers everything, in the name of an enrolled node.</summary>
public sealed class ContestTests(NodeCluster cluster) : IClassFixture<NodeCluster>
{
    private static readonly string Held = new('a', 64);
    private static readonly string Other = new('b', 64);

    [Theory]
    [InlineData("contested1.example.net", NodeProtocol.V1)]
    [InlineData("contested2.example.net", NodeProtocol.V2)]
    public async Task Observe_IssuesAndRevokesNothing_WhenTheNodeOfThatNameLivesOnItsOverlay(string identity, NodeProtocol protocol)
    {
        var node = cluster.Nodes[identity];
        node.Protocol = protocol;
        await Enrol(identity);
        var before = await cluster.Node(identity).Get();
        (node.LivesIn, node.SignsWith) = (NodeCluster.Overlay, protocol == NodeProtocol.V2 ? Held : null);

        await cluster.Start(identity);
        var after = await cluster.Until(identity, seen => IsContested(seen));
        await cluster.AnswerSweep(identity);
        await cluster.Until(identity, seen => IsContested(seen) && seen.History[^1].At > after.History[^1].At);

        after = await cluster.Node(identity).Get();
        Assert.Equal((NodeStage.Enrolled, before.Attempt, before.Overlay), (after.Stage, after.Attempt, after.Overlay));
        Assert.Equal(before.Certificate?.SerialNumber, after.Certificate?.SerialNumber);
        Assert.Equal(before.ServerTokenExpiresAt, after.ServerTokenExpiresAt);
        Assert.Equal(before.History.Count + 1, after.History.Count);
        Assert.Null(await cluster.Order(identity, before.Attempt + 1));
        Assert.Single(node.Calls, call => call == "configure");
        Assert.NotNull(await cluster.Placement.Explain(identity));
        if (protocol == NodeProtocol.V1)
        {
            Assert.Equal(LedgerState.Issued, (await cluster.Order(identity, before.Attempt))?.State);
        }
    }

    [Fact]
    public async Task Observe_EnrolsAnew_WhenOnlyAnotherKeyThanTheNodesAnswersOnItsOverlay()
    {
        const string identity = "succeeded.example.net";
        var node = cluster.Nodes[identity];
        node.Protocol = NodeProtocol.V2;
        await Enrol(identity);
        (node.LivesIn, node.SignsWith) = (NodeCluster.Overlay, Other);

        await cluster.Start(identity);

        await cluster.Until(identity, seen => seen is { Stage: NodeStage.Restarted, Attempt: 2 });
    }

    [Fact]
    public async Task Observe_EnrolsAnew_WhoWasAskedTo_WithoutAskingOnTheOverlay()
    {
        const string identity = "asked.example.net";
        await Enrol(identity);
        await cluster.Node(identity).Reprovision(new ReprovisionRequest("a test"), TestContext.Current.CancellationToken);

        await cluster.Start(identity);

        await cluster.Until(identity, seen => seen is { Stage: NodeStage.Restarted, Attempt: 2 });
        Assert.DoesNotContain($"ping in {NodeCluster.Overlay}", cluster.Nodes[identity].Calls);
    }

    [Theory]
    [InlineData("answered1.example.net", NodeProtocol.V1)]
    [InlineData("answered2.example.net", NodeProtocol.V2)]
    public async Task Contest_RevokesWhatWasIssued_AndQuarantines_WhileTheArrivalIsAwaited(string identity, NodeProtocol protocol)
    {
        cluster.Nodes[identity].Protocol = protocol;
        await cluster.Start(identity);
        var restarted = await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);

        await cluster.Roster(identity).RecordContest(identity, Contested(restarted));
        await cluster.Arrive(identity);

        var contested = await cluster.Node(identity).Get();
        Assert.Equal((NodeStage.Quarantined, Refusal.Contested), (contested.Stage, contested.Refusal));
        if (protocol == NodeProtocol.V1)
        {
            await cluster.UntilOrder(identity, restarted.Attempt, LedgerState.Closed);
        }
        else
        {
            Assert.Contains("valid until", contested.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Contest_IsNoneOfALivingNodes()
    {
        const string identity = "unmoved.example.net";
        await Enrol(identity);
        var enrolled = await cluster.Node(identity).Get();

        var late = Contested(enrolled);
        await cluster.Roster(identity).RecordContest(identity, late with { At = late.AskedAt.AddMinutes(1) });

        Assert.Equal(NodeStage.Enrolled, (await cluster.Node(identity).Get()).Stage);
    }

    private static ContestedAnswer Contested(NodeSnapshot seen)
    {
        var asked = seen.History.First(step => step.Stage == NodeStage.Keyed).At;
        return new ContestedAnswer("gencsr", asked, TimeProvider.System.GetUtcNow());
    }

    private static bool IsContested(NodeSnapshot seen) =>
        seen.Stage == NodeStage.Enrolled
        && seen.History[^1].Detail?.StartsWith("somebody enrols in its name", StringComparison.Ordinal) == true;

    private async Task Enrol(string identity)
    {
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled);
    }
}
