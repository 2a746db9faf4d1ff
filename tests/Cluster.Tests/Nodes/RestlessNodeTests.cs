using ControlPlane.Certificates;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>News comes while a step runs, again and again.</summary>
public sealed class RestlessNodeTests(NodeCluster cluster) : IClassFixture<NodeCluster>
{
    private static readonly string[] Enrolment = ["jwt", "inventory", "gencsr", "configure", "restart"];

    [Fact]
    public async Task Observe_ActsOnEveryStart_OfANodeThatRestartsAtEachStep()
    {
        const string identity = "restless.example.net";
        var node = cluster.Nodes[identity];
        node.LeaveNextWithoutAnswer(Enrolment[0]);
        await cluster.Start(identity);
        foreach (var (number, action) in Enrolment.Index())
        {
            await TestKit.Readiness.UntilAsync(
                _ => Task.FromResult(node.Calls.Contains(action)), $"{action} of {identity}", TestContext.Current.CancellationToken);
            if (number + 1 < Enrolment.Length)
            {
                node.LeaveNextWithoutAnswer(Enrolment[number + 1]);
            }

            await cluster.Start(identity);
        }

        await cluster.Until(identity, one => one.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);

        Assert.Equal(NodeStage.Enrolled, (await cluster.Node(identity).Get()).Stage);
        Assert.Equal(Enrolment.Length + 1, node.Calls.Count(call => call == "jwt"));
        var attempts = (await cluster.Node(identity).Get()).Attempt;
        for (var attempt = 1; attempt < attempts; attempt++)
        {
            await cluster.UntilOrder(identity, attempt, LedgerState.Closed);
        }
    }
}
