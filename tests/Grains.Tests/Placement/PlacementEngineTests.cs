using ControlPlane.Placement;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

public sealed class PlacementEngineTests
{
    [Fact]
    public void Decide_TakesTheEmptiestOverlay_WhenNothingElseIsAsked()
    {
        var region = Region.Of(("a", 10), ("b", 10));
        region.Arrive("n1", "a");

        Assert.Equal("b", region.Decide("n2").Overlay?.Name);
    }

    [Fact]
    public void Decide_KeepsANodeWhereItIs_WhenItsOverlayIsFullOrCordoned()
    {
        var region = Region.Of(("a", 2), ("b", 10));
        region.Arrive("n1", "a");
        region.Arrive("n2", "a");
        region.SetState("a", OverlayState.Cordoned);

        Assert.Equal("a", region.Decide("n1").Overlay?.Name);
        Assert.Equal("b", region.Decide("n3").Overlay?.Name);
    }

    [Fact]
    public void Decide_LeavesAnIsolatedOverlayAlone_InBothDirections()
    {
        var region = Region.Of(("a", 10), ("b", 10));
        region.Arrive("n1", "a");
        region.SetState("a", OverlayState.Isolated);

        Assert.Equal("a", region.Decide("n1").Overlay?.Name);
        Assert.Equal("b", region.Decide("n2").Overlay?.Name);
    }

    [Theory]
    [InlineData(OverlayState.Draining)]
    [InlineData(OverlayState.Retired)]
    public void Decide_SendsAReturningNodeElsewhere_WhenItsOverlayIsGivenUp(OverlayState state)
    {
        var region = Region.Of(("a", 10), ("b", 10));
        region.Arrive("n1", "a");
        region.SetState("a", state);

        Assert.Equal("b", region.Decide("n1").Overlay?.Name);
    }

    [Fact]
    public void Decide_NamesTheRuleOfEveryRejection_WhenNothingFits()
    {
        var region = Region.Of(("a", 1), ("b", 10));
        region.Arrive("n1", "a");
        region.SetState("b", OverlayState.Cordoned);

        var decision = region.Decide("n2");

        Assert.Null(decision.Overlay);
        Assert.Equal(
            ["capacity.hardLimit", "state"],
            decision.Considered.Select(overlay => RuleCode.Name(region.Ledger.Policy, overlay.By!.Value.Rule)));
    }

    [Fact]
    public void Decide_AnswersTheSame_WhateverTheOrderOfOverlays() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[0, 40], Gen.Int[0, 1000]).Sample((overlays, nodes, seed) =>
        {
            var names = Enumerable.Range(0, overlays).Select(i => $"o{i}").ToArray();
            var forward = Region.Of([.. names.Select(name => (name, 8))]);
            var backward = Region.Of([.. names.Reverse().Select(name => (name, 8))]);
            for (var i = 0; i < nodes; i++)
            {
                var identity = $"n{seed}-{i}";
                var there = forward.Decide(identity).Overlay?.Name;
                Assert.Equal(there, backward.Decide(identity).Overlay?.Name);
                if (there is not null)
                {
                    forward.Arrive(identity, there);
                    backward.Arrive(identity, there);
                }
            }
        }, iter: 200);

    [Fact]
    public void Encode_KeepsTheDecision_WhenDecoded() =>
        Gen.Int[1, 80].Sample(overlays =>
        {
            var region = Region.Of([.. Enumerable.Range(0, overlays).Select(i => ($"o{i:00}", 1 + (i % 3)))]);
            for (var i = 0; i < overlays; i++)
            {
                region.Arrive($"n{i}", $"o{i:00}");
            }

            var decision = region.Decide("newcomer");
            var record = DecisionTrace.Decode(DecisionTrace.Encode(decision, 99))!;

            Assert.Equal(decision.Overlay?.Number ?? -1, record.Overlay);
            Assert.Equal(99, record.Sequence);
            Assert.Equal(
                decision.Considered.Where(overlay => overlay.By is null).Select(overlay => overlay.Overlay.Number),
                record.Candidates.Select(candidate => candidate.Number));
            Assert.Equal(
                decision.Considered.Where(overlay => overlay.By is not null)
                    .Select(overlay => (overlay.Overlay.Number, overlay.By!.Value)).Order(RejectionOrder),
                record.Rejected.Select(rejection => (rejection.Number, rejection.By)).Order(RejectionOrder));
        }, iter: 100);

    private static readonly Comparer<(int Number, Rejection By)> RejectionOrder =
        Comparer<(int Number, Rejection By)>.Create((x, y) => x.Number.CompareTo(y.Number));
}
