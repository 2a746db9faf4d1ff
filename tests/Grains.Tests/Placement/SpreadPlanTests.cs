using ControlPlane.Placement;
using ControlPlane.Placement.Plans;
using ControlPlane.Placement.Policies;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>Plans keep replicas as far apart as single decisions do.</summary>
public sealed class SpreadPlanTests
{
    private const string Policy = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: spread }
        spec:
          attributes: { service: { from: jwt.service } }
          groups:
            - { name: replicas, key: [service], mode: spread, maxSkew: 1 }
        """;

    [Fact]
    public void Make_SpreadsTheReplicasOfADrainedOverlay_OverThoseThatAreLeft()
    {
        var region = Arrange(("d", 4), ("a", 0), ("b", 0));

        var plan = Drain(region);

        Assert.Equal((4, 0), (plan.Nodes, plan.Unplaced));
        Assert.Equal([2, 2], plan.Moves.GroupBy(move => move.To).Select(way => way.Sum(move => move.Identities.Count)));
    }

    [Fact]
    public void Make_LeavesAReplica_RatherThanBreakTheSkew()
    {
        // b has one replica more than a already and a has no room: none may go to b.
        var region = Arrange(("d", 1), ("a", 1), ("b", 2));
        region.Ledger.Overlay("a")!.HardLimit = 1;

        var plan = Drain(region);

        Assert.Equal((0, 1), (plan.Nodes, plan.Unplaced));
    }

    private static Region Arrange(params (string Overlay, int Replicas)[] overlays)
    {
        var region = Region.Of([.. overlays.Select(overlay => (overlay.Overlay, 100))]);
        region.Adopt(PolicyReader.Read(Policy, null).Policy!);
        foreach (var (overlay, replicas) in overlays)
        {
            for (var i = 0; i < replicas; i++)
            {
                region.Arrive($"{overlay}{i}", overlay, """{"service":"db"}""");
            }
        }

        region.SetState("d", OverlayState.Draining);
        return region;
    }

    private static PlacementPlan Drain(Region region) => PlanMaker.Make(region.Ledger, PlanKind.Drain, region.Ledger.Overlay("d"))
        .Finish("drain-1", new PlanRequest(PlanKind.Drain, "d"), "test", DateTimeOffset.UnixEpoch);
}
