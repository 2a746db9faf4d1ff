using ControlPlane.Cluster.Tests.Nodes;
using ControlPlane.Fleet;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Fleet;

/// <summary>Whoever left the fleet is followed no longer: neither its silence nor its return is announced.</summary>
public sealed class DepartedNodeTests(NodeCluster cluster) : IClassFixture<NodeCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ANode_ThatWasDecommissioned_IsFollowedAndAnnouncedNoMore()
    {
        await EnrolAsync("stays.example.net");
        await EnrolAsync("left.example.net");
        var partition = cluster.Service<LivenessWatch>().Of("77", (_, _) => { });
        await cluster.Node("left.example.net").Decommission(new DecommissionRequest("sold"));

        // It runs on until somebody switches it off.
        partition.Hear(Alive("stays.example.net"));
        partition.Hear(Alive("left.example.net"));
        await partition.TickAsync(Cancelled);

        Assert.Equal(1, partition.Count);
        var told = cluster.State.Advisories.Select(advisory => (advisory.Identity, advisory.Kind));
        Assert.Contains(("stays.example.net", AdvisoryKind.New), told);
        Assert.DoesNotContain(told, one => one.Identity == "left.example.net");
        Assert.Equal(NodeLiveness.Unknown, (await cluster.Node("left.example.net").Get()).Liveness);
    }

    private async Task EnrolAsync(string identity)
    {
        await cluster.Start(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
    }

    private static FleetEvent Alive(string identity)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new FleetEvent(identity, FleetEventKind.Alive, "server", "0.30.2", now, now, NodeCluster.Overlay, 1_000);
    }
}
