using ControlPlane.Placement;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>What the next leader makes of places that the one before gave, and of nodes that moved or left meanwhile.</summary>
public sealed class PromotionTests : IAsyncLifetime
{
    private readonly TwoOverlays overlays = new();

    public ValueTask InitializeAsync() => overlays.InitializeAsync();

    public ValueTask DisposeAsync() => overlays.DisposeAsync();

    [Fact]
    public async Task Promote_CountsWhatTheOldLeaderPlacedHere_AndKeepsTheHardLimit()
    {
        await TakesNewcomersAsync("b");
        await EnrolAsync("a", "n1", "b");
        await EnrolAsync("a", "n2", "b");
        await PlaceAsync("a", "n3", "b");

        await PromoteAsync("b");

        Assert.Equal((2, 1), await overlays.CountAsync("b", "b"));
        Assert.Null(await overlays.In("b").ConfirmAsync("n3", "b"));
        await overlays.UntilCountAsync("b", "b", (3, 0));
        Assert.Equal(TwoOverlays.HardLimit - 3, await PlaceManyAsync("b", "b"));
        Assert.Equal((3, TwoOverlays.HardLimit - 3), await overlays.OwnCountAsync("b"));
    }

    [Fact]
    public async Task Promote_CountsWhatWasPlacedElsewhere_OnceThatAnswers()
    {
        await TakesNewcomersAsync("a");
        await EnrolAsync("b", "n1", "a");
        await PlaceAsync("b", "n2", "a");

        await PromoteAsync("b");
        Assert.Equal(OverlayState.Isolated, (await overlays.OverlayAsync("b", "a")).State);
        overlays.Link.IsCut = false;

        await overlays.UntilCountAsync("b", "a", (1, 1));
        Assert.Null(await overlays.In("a").ConfirmAsync("n2", "a"));
        await overlays.UntilCountAsync("b", "a", (2, 0));
    }

    [Fact]
    public async Task TheHardLimit_Holds_WithTwoLeadersAtOnce()
    {
        await overlays.Region("a").SetState("a", OverlayState.Active, "test");
        await overlays.UntilAsync(async () => (await overlays.Region("b").ListOverlays()).Count == 2, "b has listed");
        await PromoteAsync("b");
        Assert.True((await overlays.Region("a").Get()).IsHere && (await overlays.Region("b").Get()).IsHere);

        // Mended one way only: the old leader is answered, and does not hear by itself of the new one.
        overlays.Link.Mute = "b";
        overlays.Link.IsCut = false;
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).SelectMany(i => new[]
        {
            overlays.Region("a").Place(Request($"a{i}")), overlays.Region("b").Place(Request($"b{i}")),
        }));

        Assert.InRange(outcomes.OfType<PlacementOutcome.Placed>().Count(), 1, 2 * TwoOverlays.HardLimit);
        foreach (var overlay in new[] { "a", "b" })
        {
            var (nodes, reserved) = await overlays.OwnCountAsync(overlay);
            Assert.InRange(nodes + reserved, 0, TwoOverlays.HardLimit);
        }
    }

    [Fact]
    public async Task ANode_LivesWhereTheLaterDecisionPutIt_AndTheOwnerBeforeIsTold()
    {
        await TakesNewcomersAsync("a");
        await EnrolAsync("b", "n1", "a");
        await TakesNewcomersAsync("b");
        await EnrolAsync("a", "n1", "b");

        Assert.Equal("b", (await overlays.Region("a").Explain("n1"))!.Overlay);
        await overlays.UntilAsync(async () => await overlays.OwnCountAsync("a") == (0, 0), "a is told");
        Assert.Equal([("n1", "a", "b")], overlays.Nodes.Moved.Distinct());
        await overlays.UntilCountAsync("a", "b", (1, 0));
    }

    [Fact]
    public async Task ANode_ThatBothOverlaysList_LivesWhereTheLaterEpochPutIt_WhoeverLeads()
    {
        await TakesNewcomersAsync("a");
        await EnrolAsync("a", "n1", "a");
        await PromoteAsync("b");
        await overlays.Region("b").SetState("b", OverlayState.Active, "test");
        await EnrolAsync("b", "n1", "b");

        // Still both list it: nobody could be told.
        Assert.Equal(((1, 0), (1, 0)), (await overlays.OwnCountAsync("a"), await overlays.OwnCountAsync("b")));
        overlays.Link.IsCut = false;
        await overlays.UntilAsync(async () => await overlays.OwnCountAsync("a") == (0, 0), "a is told");

        Assert.Equal([("n1", "a", "b")], overlays.Nodes.Moved.Distinct());
        Assert.Equal("b", (await overlays.Region("b").Explain("n1"))!.Overlay);
        await overlays.UntilCountAsync("b", "a", (0, 0));
        Assert.Equal((1, 0), await overlays.CountAsync("b", "b"));

        await overlays.Region("a").Promote("back again");
        await overlays.UntilCountAsync("a", "b", (1, 0));
        Assert.Equal("b", (await overlays.Region("a").Explain("n1"))!.Overlay);
    }

    [Fact]
    public async Task NoLeader_PlacesANode_ThatLeftTheFleet_UntilItsOwnerLetsIt()
    {
        await TakesNewcomersAsync("a");
        await EnrolAsync("a", "n1", "a");
        await EnrolAsync("a", "n2", "a");

        await PromoteAsync("b");
        await overlays.In("a").RemoveAsync("n1", "a", isGone: true);
        overlays.Link.IsCut = false;
        await overlays.UntilCountAsync("b", "a", (1, 0));
        Assert.Null(await overlays.Region("b").Explain("n1"));
        Assert.Contains("decommissioned from a", await DeferredAsync("b", "n1"), StringComparison.Ordinal);

        // Also the leader after that.
        await overlays.Region("a").Promote("back again");
        Assert.Contains("decommissioned from a", await DeferredAsync("a", "n1"), StringComparison.Ordinal);
        await overlays.UntilCountAsync("a", "a", (1, 0));

        await overlays.In("a").RemoveAsync("n1", overlay: null, isGone: false);
        await TakesNewcomersAsync("a");
        await overlays.UntilAsync(
            async () => await overlays.In("a").PlaceAsync(Request("n1")) is PlacementOutcome.Placed { Overlay: "a" }, "it is let in");
        Assert.Null(await overlays.In("a").ConfirmAsync("n1", "a"));
        await overlays.UntilCountAsync("a", "a", (2, 0));
    }

    [Fact]
    public async Task Promote_KeepsThePlacesFree_ThatTheOldLeaderReserved()
    {
        await TakesNewcomersAsync("b");
        foreach (var identity in new[] { "n1", "n2", "n3" })
        {
            await PlaceAsync("a", identity, "b");
        }

        await PromoteAsync("b");

        Assert.Equal(TwoOverlays.HardLimit - 3, await PlaceManyAsync("b", "b"));
        Assert.Equal((0, TwoOverlays.HardLimit), await overlays.OwnCountAsync("b"));
        Assert.Null(await overlays.In("b").ConfirmAsync("n1", "b"));
        await overlays.UntilCountAsync("b", "b", (1, TwoOverlays.HardLimit - 1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Promote_EndsThePlanThatRan_AndGivesBackWhatItHeld(bool isHeardBefore)
    {
        await TakesNewcomersAsync("a");
        await EnrolAsync("a", "n1", "a");
        await overlays.Region("a").SetState("b", OverlayState.Active, "test");
        overlays.Link.Mute = isHeardBefore ? null : "b";
        var id = await RunDrainAsync("a");
        await overlays.UntilCountAsync("a", "b", (0, 1));
        await overlays.UntilAsync(() => Task.FromResult(overlays.Nodes.Reprovisioned.Any(told => told.Identity == "n1")), "n1 is told");
        if (isHeardBefore)
        {
            await overlays.UntilAsync(
                async () => await overlays.OverlayAsync("b", "a") is { State: OverlayState.Draining }, "b has heard of the plan");
        }

        await PromoteAsync("b");
        Assert.Equal(isHeardBefore ? 1 : 0, (await overlays.Region("b").ListPlans()).Count);
        overlays.Link.Mute = null;
        overlays.Link.IsCut = false;

        await overlays.UntilAsync(async () => (await overlays.Region("a").Get()).Leader == "b", "the old leader steps down");
        if (isHeardBefore)
        {
            var known = Assert.Single(await overlays.Region("b").ListPlans());
            Assert.Equal(
                ($"{id}@a", PlanStage.Aborted, "a ran it, and is not the leader any more; make another plan for the rest"),
                (known.Id, known.Stage, known.Reason));
        }

        var ended = Assert.Single(await overlays.Region("a").ListPlans());
        Assert.Equal((id, PlanStage.Aborted, "b is the leader since epoch 1"), (ended.Id, ended.Stage, ended.Reason));
        await overlays.UntilCountAsync("b", "b", (0, 0));
        await overlays.UntilCountAsync("b", "a", (1, 0));
        Assert.Equal((0, 0), await overlays.OwnCountAsync("b"));

        // The rest is planned anew.
        await RunDrainAsync("b");
        await overlays.UntilCountAsync("b", "b", (0, 1));
    }

    private async Task<string> RunDrainAsync(string leader)
    {
        var plans = overlays.Region(leader);
        var plan = Assert.IsType<PlanOutcome.Accepted>(await plans.CreatePlan(new PlanRequest(PlanKind.Drain, "a"))).Progress;
        Assert.IsType<PlanOutcome.Accepted>(await plans.ApprovePlan(plan.Id));
        return plan.Id;
    }

    // The leader is cut off, and another takes its place.
    private async Task PromoteAsync(string overlay)
    {
        overlays.Link.IsCut = true;
        await overlays.Region(overlay).Promote("it burns");
    }

    // At the leader that is configured.
    private async Task TakesNewcomersAsync(string overlay)
    {
        var leader = overlays.Region("a");
        await leader.SetState(overlay, OverlayState.Active, "test");
        await leader.SetState(overlay == "a" ? "b" : "a", OverlayState.Draining, "test");
    }

    // Heard by one overlay's silos, and owned by the overlay that it goes to.
    private async Task EnrolAsync(string by, string identity, string expected)
    {
        await PlaceAsync(by, identity, expected);
        Assert.Null(await overlays.In(expected).ConfirmAsync(identity, expected));
        var leader = (await overlays.Region(by).Get()).Leader;
        await overlays.UntilAsync(
            async () => await overlays.CountAsync(leader, expected) == await overlays.OwnCountAsync(expected),
            $"the leader knows that {identity} lives in {expected}");
    }

    private async Task PlaceAsync(string by, string identity, string expected) => Assert.Equal(
        expected, Assert.IsType<PlacementOutcome.Placed>(await overlays.In(by).PlaceAsync(Request(identity))).Overlay);

    private async Task<int> PlaceManyAsync(string leader, string expected)
    {
        await overlays.Region(leader).SetState(expected, OverlayState.Active, "test");
        var placed = 0;
        for (var i = 0; i < TwoOverlays.HardLimit; i++)
        {
            placed += await overlays.Region(leader).Place(Request($"new{i}")) is PlacementOutcome.Placed { Overlay: var overlay }
                && overlay == expected ? 1 : 0;
        }

        return placed;
    }

    private async Task<string> DeferredAsync(string at, string identity) =>
        Assert.IsType<PlacementOutcome.Deferred>(await overlays.In(at).PlaceAsync(Request(identity))).Reason;

    private static PlacementRequest Request(string identity) => new(identity, "{}", "{}");
}
