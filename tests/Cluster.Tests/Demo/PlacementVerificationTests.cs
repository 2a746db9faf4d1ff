using ControlPlane.Adapters.Choria;
using ControlPlane.Chaos;
using ControlPlane.Demo;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using SimulatedFault = ControlPlane.FleetSimulator.Faults.SimulatedFault;
using SimulatedNode = ControlPlane.FleetSimulator.SimulatedNode;

namespace ControlPlane.Cluster.Tests.Demo;

/// <summary>The demo with several overlays must not call a region whole that is not.</summary>
public sealed class PlacementVerificationTests
{
    private static readonly PlacementPlan Plan = new(
        "retire-1",
        PlanKind.Retire,
        "a",
        1,
        1,
        DateTimeOffset.UnixEpoch,
        "demo",
        [],
        Nodes: 2,
        LowerBound: 2,
        [],
        Unplaced: 0,
        TimeSpan.Zero);

    private static readonly PlanProgress Ended = new(
        "retire-1", PlanKind.Retire, "a", PlanStage.Done, "", "demo", DateTimeOffset.UnixEpoch, 2, "job", 0, Moved: 2, 0, 0, []);

    [Fact]
    public void Faults_NameACustomer_WhoseNodesAreApart() => Assert.Contains(
        "customer 0 is split: a, b", PlacementVerification.Faults(
            [Node("n0"), Node("n1"), Node("n2")], [At("n0", "a"), At("n1", "a"), At("n2", "b")], 2, Brokers));

    [Fact]
    public void Faults_NameANode_ThatServesElsewhere() => Assert.Contains(
        "n0: serves on no network, which is not that of its overlay", PlacementVerification.Faults(
            [Node("n0")], [At("n0", "a")], 1, Brokers));

    [Fact]
    public void LimitFaults_CountReservations() => Assert.Single(PlacementVerification.LimitFaults([Overlay(9, 2, 10), Overlay(9, 1, 10)]));

    [Fact]
    public void PlanFaults_AreNone_WhenAllMovedAndTheOverlayIsRetiredAndEmpty() =>
        Assert.Empty(PlacementVerification.PlanFaults(Plan, Ended, Overlay(0, 0, 10) with { State = OverlayState.Retired }));

    [Fact]
    public void PlanFaults_NameWhatIsLeft() => Assert.Equal(
        ["retire-1 is Paused: ", "retire-1 moved 1 of 2 nodes: ", "a is Active with 1 nodes"],
        PlacementVerification.PlanFaults(Plan, Ended with { Stage = PlanStage.Paused, Moved = 1 }, Overlay(1, 0, 10)));

    private static readonly Dictionary<string, string> Brokers = new() { ["a"] = "nats://a", ["b"] = "nats://b" };

    private static SimulatedNode Node(string identity) => new(identity, ChoriaProtocol.V1, SimulatedFault.None);

    private static RosterEntry At(string identity, string overlay) =>
        new(identity, NodeStage.Enrolled, overlay, Reason: null, DateTimeOffset.UnixEpoch, DueAt: null);

    private static OverlaySnapshot Overlay(int nodes, int reserved, int limit) =>
        new("a", OverlayState.Active, nodes, reserved, limit, limit);
}
