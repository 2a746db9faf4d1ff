using ControlPlane.Certificates;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>Two machines answer for a node before anything was given out.</summary>
public sealed class ContestWindowTests(ContestWindowTests.PatientCluster cluster) : IClassFixture<ContestWindowTests.PatientCluster>
{
    [Fact]
    public async Task Contest_LetsNothingBeDelivered_WhenTheOtherAnswersWithinTheWindow()
    {
        const string identity = "doubled.example.net";
        await cluster.Start(identity);
        var certified = await cluster.Until(identity, node => node.Stage == NodeStage.Certified);

        var asked = certified.History.First(step => step.Stage == NodeStage.Keyed).At;
        await cluster.Roster(identity).RecordContest(identity, new ContestedAnswer("gencsr", asked, TimeProvider.System.GetUtcNow()));

        var contested = await cluster.Node(identity).Get();
        Assert.Equal((NodeStage.Quarantined, Refusal.Contested), (contested.Stage, contested.Refusal));
        Assert.DoesNotContain("configure", cluster.Nodes[identity].Calls);
        await cluster.UntilOrder(identity, certified.Attempt, LedgerState.Closed);

        // An operator has found the other machine.
        await cluster.Node(identity).Reprovision(new ReprovisionRequest("found it"), TestContext.Current.CancellationToken);
        await cluster.Until(identity, node => node is { Stage: NodeStage.Certified, Attempt: 2 });
    }

    public sealed class PatientCluster : NodeCluster
    {
        public PatientCluster() => Provisioning = options => options.ContestWindow = TimeSpan.FromSeconds(5);
    }
}
