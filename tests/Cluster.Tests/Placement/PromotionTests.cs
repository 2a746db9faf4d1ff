using ControlPlane.Placement;
using ControlPlane.TestKit;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>What the next leader knows of nodes that other overlays' silos enrolled, moved or let go.</summary>
public sealed class PromotionTests : IAsyncLifetime
{
    private readonly TwoOverlays overlays = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => overlays.InitializeAsync();

    public ValueTask DisposeAsync() => overlays.DisposeAsync();

    [Fact]
    public async Task Promote_CountsWhatTheOldHomesSilosEnrolledHere_AndKeepsTheHardLimit()
    {
        await TakesNewcomersAsync("b");
        await EnrolAsync("a", "n1", 1, "b");
        await EnrolAsync("a", "n2", 1, "b");
        await PlaceAsync("a", "n3", 1, "b");

        await PromoteAsync("b");
        await ReportAsync("b", "a");

        Assert.Equal((2, 1), await CountAsync("b", "b"));
        await AgainAsync(() => overlays.In("a").ConfirmAsync("n3", 1, "b", Cancel));
        Assert.Equal((3, 0), await CountAsync("b", "b"));
        await overlays.Grain<IInternalPlacementGrain>("b").SetState("b", OverlayState.Active, "test");
        var placed = 0;
        for (var i = 0; i < TwoOverlays.HardLimit; i++)
        {
            placed += await overlays.In("b").PlaceAsync(Request($"new{i}", 1), Cancel) is PlacementOutcome.Placed { Overlay: "b" } ? 1 : 0;
        }

        Assert.Equal(TwoOverlays.HardLimit - 3, placed);
    }

    [Fact]
    public async Task Promote_CountsWhatItsOwnSilosEnrolledElsewhere_ThoughTheOldHomeIsNoMore()
    {
        await TakesNewcomersAsync("a");
        await EnrolAsync("b", "n1", 1, "a");
        await PlaceAsync("b", "n2", 1, "a");

        await PromoteAsync("b");

        Assert.Equal((1, 1), await CountAsync("b", "a"));
        await AgainAsync(() => overlays.In("b").ConfirmAsync("n2", 1, "a", Cancel));
        Assert.Equal((2, 0), await CountAsync("b", "a"));
    }

    [Fact]
    public async Task AReport_IsJudgedByWhenItWasDecided_NotByAttemptsThatEachOverlayCountsAlone()
    {
        await TakesNewcomersAsync("a");
        await EnrolAsync("b", "n1", 5, "a");
        await TakesNewcomersAsync("b");
        overlays.Link.IsCut = true;
        await EnrolAsync("a", "n1", 1, "b");

        await PromoteAsync("b");
        Assert.Equal("a", (await overlays.Grain<IInternalPlacementGrain>("b").Explain("n1"))!.Overlay);
        await ReportAsync("b", "a");

        Assert.Equal("b", (await overlays.Grain<IInternalPlacementGrain>("b").Explain("n1"))!.Overlay);
        Assert.Equal((1, 0), await CountAsync("b", "b"));
        Assert.Equal((0, 0), await CountAsync("b", "a"));

        // And the other way round: what b knew of it is older, whoever is the leader and asks.
        await overlays.Grain<IInternalPlacementGrain>("a").Promote("ann", "back again");
        await ReportAsync("a", "b");
        Assert.Equal("b", (await overlays.Grain<IInternalPlacementGrain>("a").Explain("n1"))!.Overlay);
    }

    [Fact]
    public async Task AReport_BringsNoNodeBack_ThatLeftTheFleetMeanwhile()
    {
        await TakesNewcomersAsync("a");
        await EnrolAsync("a", "n1", 7, "a");
        await EnrolAsync("a", "n2", 7, "a");

        await PromoteAsync("b");
        await AgainAsync(() => overlays.In("b").ForgetAsync("n1", Cancel));
        await ReportAsync("b", "a");

        Assert.Null(await overlays.Grain<IInternalPlacementGrain>("b").Explain("n1"));
        Assert.Equal((1, 0), await CountAsync("b", "a"));

        // Also for the leader after that: a knew n1 still, and hears of it by b's report.
        await overlays.Grain<IInternalPlacementGrain>("a").Promote("ann", "back again");
        await ReportAsync("a", "b");
        Assert.Null(await overlays.Grain<IInternalPlacementGrain>("a").Explain("n1"));
        Assert.Equal((1, 0), await CountAsync("a", "a"));

        // It may come back by itself.
        await EnrolAsync("a", "n1", 8, "a");
        Assert.Equal((2, 0), await CountAsync("a", "a"));
    }

    [Fact]
    public async Task Promote_KeepsThePlacesFree_ThatOnlyTheOldHomeKnowsOf_UntilItHasReported()
    {
        await TakesNewcomersAsync("b");
        foreach (var identity in new[] { "n1", "n2", "n3" })
        {
            await PlaceAsync("a", identity, 1, "b");
        }

        await overlays.KeepAsync("b");
        await PromoteAsync("b");
        var home = overlays.Grain<IInternalPlacementGrain>("b");
        var placed = 0;
        for (var i = 0; i < TwoOverlays.HardLimit; i++)
        {
            placed += await home.Place(Request($"new{i}", 1)) is PlacementOutcome.Placed { Overlay: "b" } ? 1 : 0;
        }

        Assert.Equal(TwoOverlays.HardLimit - 3, placed);
        await ReportAsync("b", "a");
        Assert.Equal((0, TwoOverlays.HardLimit), await CountAsync("b", "b"));
        await AgainAsync(() => overlays.In("a").ConfirmAsync("n1", 1, "b", Cancel));
        Assert.Equal((1, TwoOverlays.HardLimit - 1), await CountAsync("b", "b"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Promote_EndsThePlanThatRan_AndSaysSoAtBothLeaders(bool isHeardBefore)
    {
        await TakesNewcomersAsync("a");
        await EnrolAsync("a", "n1", 1, "a");
        await overlays.Grain<IInternalPlacementGrain>("a").SetState("b", OverlayState.Active, "test");
        await overlays.KeepAsync("b");
        overlays.Link.IsCut = !isHeardBefore;
        var id = await RunDrainAsync("a");
        await Readiness.UntilAsync(async _ => await CountAsync("a", "b") == (0, 1), "a place is held for the move", Cancel);
        if (isHeardBefore)
        {
            await overlays.KeepAsync("b");
        }

        await PromoteAsync("b");
        Assert.Equal(isHeardBefore ? 1 : 0, (await overlays.Grain<IInternalPlacementGrain>("b").ListPlans()).Count);
        await ReportAsync("b", "a");

        var known = Assert.Single(await overlays.Grain<IInternalPlacementGrain>("b").ListPlans());
        Assert.Equal(
            ($"{id}@a", PlanStage.Aborted, "a ran it, and is not the leader any more; make another plan for the rest"),
            (known.Id, known.Stage, known.Reason));
        var ended = Assert.Single(await overlays.Grain<IInternalPlacementGrain>("a").ListPlans());
        Assert.Equal((id, PlanStage.Aborted, "b is the leader since epoch 1"), (ended.Id, ended.Stage, ended.Reason));
        Assert.Equal((0, 0), await CountAsync("a", "b"));
        Assert.Equal(((1, 0), (0, 0)), (await CountAsync("b", "a"), await CountAsync("b", "b")));

        // The rest is planned anew.
        await RunDrainAsync("b");
    }

    private async Task<string> RunDrainAsync(string home)
    {
        var plans = overlays.Grain<IInternalPlacementGrain>(home);
        var plan = Assert.IsType<PlanOutcome.Accepted>(await plans.CreatePlan(new PlanRequest(PlanKind.Drain, "a", "ann"))).Progress;
        Assert.IsType<PlanOutcome.Accepted>(await plans.CommandPlan(plan.Id, PlanCommand.Approve, "ann"));
        return plan.Id;
    }

    // The leader is cut off, and another takes its place. The silos' own keepers go round too: only a cut wire keeps what is known apart.
    private async Task PromoteAsync(string overlay)
    {
        overlays.Link.IsCut = true;
        await overlays.Grain<IInternalPlacementGrain>(overlay).Promote("ann", "it burns");
    }

    // The wire is mended: the other hears of the new leader and tells it what it knows.
    private async Task ReportAsync(string home, string other)
    {
        overlays.Link.IsCut = false;
        await overlays.KeepAsync(home);
        await overlays.KeepAsync(other);
        Assert.False((await overlays.Grain<IInternalPlacementGrain>(other).Get()).OwesReport);
    }

    // At the leader that is configured.
    private async Task TakesNewcomersAsync(string overlay)
    {
        var home = overlays.Grain<IInternalPlacementGrain>("a");
        await home.SetState(overlay, OverlayState.Active, "test");
        await home.SetState(overlay == "a" ? "b" : "a", OverlayState.Draining, "test");
        await overlays.KeepAsync("b");
    }

    private async Task EnrolAsync(string by, string identity, int attempt, string expected)
    {
        await PlaceAsync(by, identity, attempt, expected);
        await AgainAsync(() => overlays.In(by).ConfirmAsync(identity, attempt, expected, Cancel));
    }

    // A silo believes for some seconds that the leader is where it was; whoever is refused for that asks again, and so do enrolments.
    private static async Task AgainAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (NotRegionLeaderException)
        {
            await call();
        }
    }

    private async Task PlaceAsync(string by, string identity, int attempt, string expected)
    {
        var outcome = await overlays.In(by).PlaceAsync(Request(identity, attempt), Cancel);
        outcome = outcome is PlacementOutcome.Deferred ? await overlays.In(by).PlaceAsync(Request(identity, attempt), Cancel) : outcome;
        Assert.Equal(expected, Assert.IsType<PlacementOutcome.Placed>(outcome).Overlay);
    }

    private async Task<(int Nodes, int Reserved)> CountAsync(string at, string overlay)
    {
        var snapshot = (await overlays.Grain<IInternalPlacementGrain>(at).ListOverlays()).Single(one => one.Name == overlay);
        return (snapshot.Nodes, snapshot.Reserved);
    }

    private static PlacementRequest Request(string identity, int attempt) => new(identity, attempt, "{}", "{}");
}
