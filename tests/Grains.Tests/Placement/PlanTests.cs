using ControlPlane.Jobs;
using ControlPlane.Placement;
using ControlPlane.Placement.Plans;
using ControlPlane.Placement.Policies;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

public sealed class PlanTests
{
    [Fact]
    public void AtLeast_ChoosesTheSmallestSumThatIsEnough_AsTryingAllDoes() =>
        Gen.Select(Gen.Int[1, 9].Array[0, 10], Gen.Int[0, 40]).Sample((sizes, wanted) =>
        {
            var overlay = new OverlayEntry("a", 0);
            var units = sizes.Select((size, i) => Unit(overlay, size, i)).ToList();
            var best = Enumerable.Range(0, 1 << sizes.Length)
                .Select(subset => sizes.Where((_, i) => (subset & (1 << i)) != 0).Sum())
                .Where(sum => sum >= wanted)
                .DefaultIfEmpty(sizes.Sum())
                .Min();

            var chosen = UnitChoice.AtLeast(units, wanted);

            Assert.Equal(wanted == 0 ? 0 : best, chosen.Sum(unit => unit.Size));
            Assert.Equal(chosen.Count, chosen.Distinct().Count());
        }, iter: 1000);

    [Fact]
    public void Make_NeverSplitsAGroupOrExceedsALimit_WhateverThePlanIsFor() =>
        Gen.Select(Gen.Int[3, 8].Array[2, 5], Gen.Int[0, 5].Array[0, 25], Gen.Enum<PlanKind>()).Sample((capacities, customers, kind) =>
        {
            var region = PolicyPlacementTests.WithGroups([.. capacities.Select((capacity, i) => ($"o{i}", capacity))]);
            for (var i = 0; i < customers.Length; i++)
            {
                region.Place($"n{i:00}", customers[i] == 0 ? "{}" : PolicyPlacementTests.Member($"c{customers[i]}", 1));
            }

            region.SetState("o0", kind is PlanKind.Drain or PlanKind.Retire ? OverlayState.Draining : OverlayState.Active);
            var plan = PlanMaker.Make(region.Ledger, kind, region.Ledger.Overlay("o0"))
                .Finish("p", new PlanRequest(kind, "o0"), "test", DateTimeOffset.UnixEpoch);

            AssertSound(region.Ledger, plan);
            if (kind is PlanKind.Drain or PlanKind.Retire)
            {
                Assert.Equal(region.Ledger.Overlay("o0")!.Nodes, plan.Nodes + plan.Unplaced);
                Assert.Equal(region.Ledger.Overlay("o0")!.Nodes, plan.LowerBound);
            }
        }, iter: 100);

    [Fact]
    public void Make_BringsASplitGroupTogether_WithTheFewestMoves()
    {
        var region = Region.Of(("a", 10), ("b", 10));
        foreach (var (node, overlay) in new[] { ("n1", "a"), ("n2", "a"), ("n3", "b") })
        {
            region.Arrive(node, overlay, PolicyPlacementTests.Member("acme", 3));
        }

        region.Adopt(PolicyPlacementTests.WithGroups(("a", 10), ("b", 10)).Ledger.Policy);
        var plan = PlanMaker.Make(region.Ledger, PlanKind.Regroup, null)
            .Finish("p", new PlanRequest(PlanKind.Regroup, ""), "test", DateTimeOffset.UnixEpoch);

        var move = Assert.Single(plan.Moves);
        Assert.Equal(("b", "a", "n3"), (move.From, move.To, Assert.Single(move.Identities)));
        Assert.Equal((1, 1.0), (plan.LowerBound, plan.Ratio));
    }

    [Fact]
    public void Make_FillsNewOverlays_WithExactlyTheExcess_WhenNodesHaveNoGroups()
    {
        var region = Region.Of(("a", 1000), ("b", 1000), ("new", 1000));
        for (var i = 0; i < 600; i++)
        {
            region.Arrive($"n{i}", i % 2 == 0 ? "a" : "b");
        }

        var plan = PlanMaker.Make(region.Ledger, PlanKind.Expand, null)
            .Finish("p", new PlanRequest(PlanKind.Expand, ""), "test", DateTimeOffset.UnixEpoch);

        Assert.Equal((180, 180, 1.0), (plan.Nodes, plan.LowerBound, plan.Ratio));
        Assert.All(plan.Peaks, peak => Assert.InRange(peak.After, 0, 210));
    }

    [Fact]
    public void SpecOf_StopsAPlan_WhenMoreThanOneMoveInFiveFails_AndNotBeforeThereIsASample()
    {
        var threshold = Assert.Single(SpecOf(PlacementPolicy.Default.Rebalance).Thresholds);

        Assert.Equal((ThresholdScope.Job, ThresholdAction.Pause), (threshold.Scope, threshold.Then));
        Assert.False(Fires(threshold, passed: 16, failed: 4));
        Assert.True(Fires(threshold, passed: 16, failed: 5));
        Assert.False(Fires(threshold, passed: 0, failed: PlanJob.SampleMin - 1));
        Assert.True(Fires(threshold, passed: 0, failed: PlanJob.SampleMin));
    }

    [Fact]
    public void SpecOf_HasThePolicysRateAndNodesInFlight_AndWaitsForWhatIsCutOff()
    {
        var spec = SpecOf(PlacementPolicy.Default.Rebalance with { MaxMovesPerMinute = 77, MovesInFlightMax = 9 });

        Assert.Equal((9, 77), (Assert.Single(spec.Stages).Concurrency, spec.Stages[0].RatePerMinute));
        Assert.Equal((TimeSpan.FromHours(1), TimeSpan.FromDays(30)), (spec.Timeouts.Execution, spec.Timeouts.UnknownGrace));
        Assert.Empty(JobSpecCheck.Faults(spec));
    }

    [Fact]
    public void IdOf_IsAnotherForEachPlan_AndForEachSite_AndTheSameForTheSame()
    {
        var plan = Planned(DateTimeOffset.UnixEpoch);

        Assert.Equal(PlanJob.IdOf(plan, "eu", "a"), PlanJob.IdOf(Planned(DateTimeOffset.UnixEpoch), "eu", "a"));
        Assert.Equal(4, new[]
        {
            PlanJob.IdOf(plan, "eu", "a"), PlanJob.IdOf(plan, "eu", "b"), PlanJob.IdOf(plan, "us", "a"),
            PlanJob.IdOf(Planned(DateTimeOffset.UnixEpoch.AddSeconds(1)), "eu", "a"),
        }.Distinct().Count());
    }

    [Theory]
    [InlineData("Sat 01:00-05:00 Europe/Dublin", "2026-07-04T01:30:00+01:00", true)]
    [InlineData("Sat 01:00-05:00 Europe/Dublin", "2026-07-04T05:00:00+01:00", false)]
    [InlineData("Sat 01:00-05:00 Europe/Dublin", "2026-07-05T01:30:00+01:00", false)]
    [InlineData("22:00-02:00", "2026-07-05T23:00:00Z", true)]
    [InlineData("22:00-02:00", "2026-07-05T01:59:00Z", true)]
    [InlineData("Mon 22:00-02:00", "2026-07-07T01:00:00Z", true)]
    [InlineData("Mon 22:00-02:00", "2026-07-06T01:00:00Z", false)]
    public void Contains_KnowsDaysZonesAndMidnight_AndSoDoesThePlansJob(string window, string instant, bool expected)
    {
        var (parsed, at) = (
            MaintenanceWindow.ParseOrNull(window)!, DateTimeOffset.Parse(instant, System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal(expected, parsed.Contains(at));
        Assert.Equal(expected, WindowCheck.IsOpen(SpecOf(PlacementPolicy.Default.Rebalance with { Window = parsed }).Window, null, at));
    }

    private static PlacementPlan Planned(DateTimeOffset at) =>
        new("drain-1", PlanKind.Drain, "a", 1, 1, at, "ann", [new PlannedMove("", "a", "b", ["n1"], 0, 1)], 1, 1, [], 0, TimeSpan.Zero);

    private static JobSpec SpecOf(RebalanceRule rule) =>
        PlanJob.SpecOf(Planned(DateTimeOffset.UnixEpoch), "test", rule, TimeSpan.FromMinutes(30));

    private static bool Fires(JobThreshold threshold, int passed, int failed)
    {
        var counts = new int[TargetCounts.None.ByState.Count];
        (counts[(int)TargetState.Succeeded], counts[(int)TargetState.TimedOut]) = (passed, failed);
        return threshold.Fires(new TargetCounts { ByState = counts }, TargetCounts.None);
    }

    // Makes the moves one node at a time, target first: the order in which they really happen.
    private static void AssertSound(RegionState ledger, PlacementPlan plan)
    {
        var loads = ledger.Overlays.ToDictionary(overlay => overlay.Name, overlay => overlay.Load);
        var homes = ledger.AllNodes().ToDictionary(node => node.Identity, node => node.Home!);
        foreach (var move in plan.Moves)
        {
            foreach (var identity in move.Identities)
            {
                Assert.Equal(move.From, homes[identity]);
                Assert.True(++loads[move.To] <= ledger.Overlay(move.To)!.HardLimit);
                loads[move.From]--;
                homes[identity] = move.To;
            }
        }

        Assert.All(ledger.AllNodes().Where(node => node.Attributes != PlacedNode.NoAttributes).GroupBy(node => node.Attributes),
            group => Assert.Single(group.Select(node => homes[node.Identity]).Distinct()));
        Assert.Equal(plan.Nodes, plan.Moves.Sum(move => move.Identities.Count));
    }

    private static MoveUnit Unit(OverlayEntry overlay, int size, int number)
    {
        var unit = new MoveUnit(size == 1 ? "" : $"g{number}", overlay);
        unit.Members.AddRange(Enumerable.Range(0, size).Select(i => PlacedNode.New($"n{number}-{i}")));
        return unit;
    }
}
