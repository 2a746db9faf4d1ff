using ControlPlane.Placement;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>One region, two clusters: who decides, what the other does alone, and how they agree again.</summary>
public sealed class RegionLeaderTests : IAsyncLifetime
{
    private const string Policy = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: regional }
        spec:
          attributes: { customer: { from: jwt.customer }, expected: { from: jwt.expected, type: number } }
          groups: [ { name: customer, key: [customer], declaredSizeFrom: expected } ]
          leaderLost: LEADER_LOST
        """;

    private readonly TwoOverlays overlays = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => overlays.InitializeAsync();

    public ValueTask DisposeAsync() => overlays.DisposeAsync();

    [Fact]
    public async Task PlaceAsync_AsksTheHome_AndFallsBackForMembersOfGroupsThatLiveHere()
    {
        await ArrangeAsync("membersOfLocalGroups");
        await EnrolAsync("n1", "acme", 4);
        overlays.Link.IsCut = true;

        var member = Assert.IsType<PlacementOutcome.Placed>(await overlays.In("b").PlaceAsync(Request("n2", "acme", 4), Cancel));
        Assert.Equal("b", member.Overlay);
        await overlays.In("b").ConfirmAsync("n2", 1, "b", Cancel);
        Assert.IsType<PlacementOutcome.Deferred>(await overlays.In("b").PlaceAsync(Request("m1", "bank", 1), Cancel));
        Assert.True((await overlays.Grain<IInternalPlacementGrain>("b").Get()).OwesReport);

        overlays.Link.IsCut = false;
        await overlays.KeepAsync("b");
        Assert.False((await overlays.Grain<IInternalPlacementGrain>("b").Get()).OwesReport);
        Assert.Equal("b", (await overlays.Grain<IInternalPlacementGrain>("a").Explain("n2"))!.Overlay);
        Assert.Equal((2, 0), await CountAsync("a", "b"));
    }

    [Fact]
    public async Task PlaceAsync_Defers_WhenThePolicySaysSo()
    {
        await ArrangeAsync("defer");
        await EnrolAsync("n1", "acme", 4);
        overlays.Link.IsCut = true;

        var deferred = Assert.IsType<PlacementOutcome.Deferred>(await overlays.In("b").PlaceAsync(Request("n2", "acme", 4), Cancel));

        Assert.Contains("a does not answer", deferred.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlaceAsync_NeverExceedsTheHardLimit_WhileTheHomeIsLost()
    {
        await ArrangeAsync("membersOfLocalGroups");
        await EnrolAsync("n1", "acme", 3);
        overlays.Link.IsCut = true;

        var outcomes = new List<PlacementOutcome>();
        for (var i = 2; i < 30; i++)
        {
            outcomes.Add(await overlays.In("b").PlaceAsync(Request($"n{i}", "acme", 3), Cancel));
        }

        Assert.InRange(outcomes.OfType<PlacementOutcome.Placed>().Count(), 2, TwoOverlays.HardLimit - 1);
        var (nodes, reserved) = await CountAsync("b", "b");
        Assert.InRange(nodes + reserved, 3, TwoOverlays.HardLimit);
    }

    [Fact]
    public async Task Promote_FencesTheOldHome_AndPlacesNowhereUntilTheOthersReported()
    {
        await ArrangeAsync("defer");
        await EnrolAsync("n1", "acme", 4);
        await overlays.In("a").PlaceAsync(Request("old1", "old", 1), Cancel);
        overlays.Link.IsCut = true;

        var leader = await overlays.Grain<IInternalPlacementGrain>("b").Promote("ann", "a burns");
        Assert.Equal(("b", 1, true), (leader.Leader, leader.Epoch, leader.IsHere));
        Assert.Equal(leader, await overlays.Grain<IInternalPlacementGrain>("b").Promote("ann", "again"));
        Assert.Equal(
            OverlayState.Isolated, (
                await overlays.Grain<IInternalPlacementGrain>("b").ListOverlays()).Single(overlay => overlay.Name == "a").State);
        Assert.Equal(
            "b", Assert.IsType<PlacementOutcome.Placed>(
                await overlays.Grain<IInternalPlacementGrain>("b").Place(Request("n2", "acme", 4))).Overlay);

        // The wire is mended: the old leader hears of the new epoch, decides no more, and reports who lives there.
        overlays.Link.IsCut = false;
        await overlays.KeepAsync("b");
        await Assert.ThrowsAsync<NotRegionLeaderException>(
            () => overlays.Grain<IInternalPlacementGrain>("a").Place(Request("n3", "acme", 4)));
        await overlays.KeepAsync("a");
        Assert.Equal((OverlayState.Cordoned, "test"), await StateAsync("b", "a"));

        // And asks the new leader from now on.
        Assert.Equal("b", Assert.IsType<PlacementOutcome.Placed>(await PlaceEventuallyAsync("a", Request("n4", "acme", 4))).Overlay);
    }

    [Fact]
    public async Task PlaceAsync_AsksTheNewHome_ThoughTheSiloBelievesInTheOldOneStill()
    {
        await ArrangeAsync("defer");
        await overlays.In("b").PlaceAsync(Request("n1", "acme", 4), Cancel);
        overlays.Link.IsCut = true;

        await overlays.Grain<IInternalPlacementGrain>("b").Promote("ann", "a burns");

        Assert.Equal(
            "b", Assert.IsType<PlacementOutcome.Placed>(
                await overlays.In("b").PlaceAsync(new PlacementRequest("alone", 1, "{}", "{}"), Cancel)).Overlay);
    }

    [Theory]
    [InlineData(OverlayState.Draining)]
    [InlineData(OverlayState.Isolated)]
    [InlineData(OverlayState.Retired)]
    public async Task Promote_KnowsTheStates_AsTheOldHomeLastToldThem(OverlayState state)
    {
        await ArrangeAsync("defer");
        await overlays.Grain<IInternalPlacementGrain>("a").SetState("a", state, "the disks fail");
        await overlays.Grain<IInternalPlacementGrain>("a").SetState("b", OverlayState.Cordoned, "for the audit");
        await overlays.KeepAsync("b");
        overlays.Link.IsCut = true;

        await overlays.Grain<IInternalPlacementGrain>("b").Promote("ann", "a burns");
        Assert.Equal((OverlayState.Cordoned, "for the audit"), await StateAsync("b", "b"));
        Assert.Equal(state == OverlayState.Retired ? state : OverlayState.Isolated, (await StateAsync("b", "a")).State);

        // What is said of it meanwhile holds when it has reported.
        await overlays.Grain<IInternalPlacementGrain>("b").SetState("b", OverlayState.Active, "audited");
        overlays.Link.IsCut = false;
        await overlays.KeepAsync("b");
        await overlays.KeepAsync("a");
        Assert.Equal((state, "the disks fail"), await StateAsync("b", "a"));

        // And the old leader hears what the new one says.
        await overlays.KeepAsync("a");
        Assert.Equal((OverlayState.Active, "audited"), await StateAsync("a", "b"));
    }

    [Fact]
    public async Task Promote_SplitsNoGroup_ThatMayLiveInAnOverlayWhichHasNotReported()
    {
        await ArrangeAsync("defer");
        await overlays.Grain<IInternalPlacementGrain>("a").SetState("a", OverlayState.Active, "test");
        await overlays.Grain<IInternalPlacementGrain>("a").SetState("b", OverlayState.Cordoned, "test");
        await overlays.In("a").PlaceAsync(Request("n1", "acme", 4), Cancel);
        await overlays.In("a").ConfirmAsync("n1", 1, "a", Cancel);
        await overlays.KeepAsync("b");
        overlays.Link.IsCut = true;
        await overlays.Grain<IInternalPlacementGrain>("b").Promote("ann", "a burns");
        var home = overlays.Grain<IInternalPlacementGrain>("b");
        await home.SetState("b", OverlayState.Active, "test");

        var waits = Assert.IsType<PlacementOutcome.Deferred>(await home.Place(Request("n2", "acme", 4)));
        Assert.Contains("unreported rejects 2", waits.Reason, StringComparison.Ordinal);
        Assert.IsType<PlacementOutcome.Placed>(await home.Place(new PlacementRequest("alone", 1, "{}", "{}")));

        overlays.Link.IsCut = false;
        await overlays.KeepAsync("b");
        await overlays.KeepAsync("a");
        Assert.Equal("a", Assert.IsType<PlacementOutcome.Placed>(await home.Place(Request("n2", "acme", 4))).Overlay);
    }

    [Fact]
    public async Task Promote_LetsGroupsOpenAgain_WhenAnOverlayThatNeverReportsIsGivenUp()
    {
        await ArrangeAsync("defer");
        overlays.Link.IsCut = true;
        await overlays.Grain<IInternalPlacementGrain>("b").Promote("ann", "a burns");
        var home = overlays.Grain<IInternalPlacementGrain>("b");
        Assert.IsType<PlacementOutcome.Deferred>(await home.Place(Request("n2", "acme", 4)));

        await home.SetState("a", OverlayState.Retired, "burnt down");

        Assert.Equal("b", Assert.IsType<PlacementOutcome.Placed>(await home.Place(Request("n2", "acme", 4))).Overlay);
    }

    [Fact]
    public async Task ForgetAsync_FreesThePlaceAtTheHomeAndHere_AndIsNotDoneWhileTheHomeIsLost()
    {
        await ArrangeAsync("defer");
        await EnrolAsync("n1", "acme", 4);
        overlays.Link.IsCut = true;
        await Assert.ThrowsAsync<LeaderUnreachableException>(() => overlays.In("b").ForgetAsync("n1", Cancel));
        Assert.Equal((1, 0), await CountAsync("b", "b"));

        overlays.Link.IsCut = false;
        await overlays.In("b").ForgetAsync("n1", Cancel);
        await overlays.In("b").ForgetAsync("n1", Cancel);

        Assert.Equal((0, 0), await CountAsync("a", "b"));
        Assert.Equal((0, 0), await CountAsync("b", "b"));
        await Assert.ThrowsAsync<NotRegionLeaderException>(() => overlays.Grain<IInternalPlacementGrain>("b").Forget("n1"));
    }

    [Fact]
    public async Task Answer_StepsDown_AndForgetsWhatConcernsOthers_WhenTheNewHomeHasIt()
    {
        await ArrangeAsync("defer");
        await EnrolAsync("n1", "acme", 4);
        var home = overlays.Grain<IInternalPlacementGrain>("a");

        await home.Answer(new LinkRequest(LinkVerb.Hello, "test", "b", "b", 1));
        Assert.NotNull(await overlays.Grain<IInternalPlacementGrain>("a").Explain("n1"));
        await home.Reported(1);

        Assert.Null(await overlays.Grain<IInternalPlacementGrain>("a").Explain("n1"));
        Assert.Equal((0, 0), await CountAsync("a", "b"));
    }

    [Fact]
    public async Task Answer_StepsDown_ForALaterEpochOnly()
    {
        await ArrangeAsync("defer");
        var home = overlays.Grain<IInternalPlacementGrain>("a");

        Assert.False((await home.Answer(new LinkRequest(LinkVerb.Hello, "test", "b", "b", 3))).IsLeader);
        var stale = await home.Answer(new LinkRequest(LinkVerb.Hello, "test", "c", "c", 2));

        Assert.Equal(("b", 3, false), (stale.Leader, stale.Epoch, stale.IsLeader));

        // Who is no overlay of the region cannot take it.
        Assert.Equal(3, (await home.Answer(new LinkRequest(LinkVerb.Hello, "test", "x", "x", 9))).Epoch);
        Assert.Equal(("b", 3), ((await home.Get()).Leader, (await home.Get()).Epoch));
    }

    // A silo may believe for some seconds that the leader is where it was: then it defers.
    private async Task<PlacementOutcome> PlaceEventuallyAsync(string overlay, PlacementRequest request)
    {
        var outcome = await overlays.In(overlay).PlaceAsync(request, Cancel);
        return outcome is PlacementOutcome.Deferred ? await overlays.In(overlay).PlaceAsync(request, Cancel) : outcome;
    }

    private async Task ArrangeAsync(string leaderLost)
    {
        var verdict = await overlays.Grain<IPlacementPolicyGrain>("a").ApplyPolicy(
            Policy.Replace("LEADER_LOST", leaderLost, StringComparison.Ordinal), "test");
        Assert.Empty(verdict.Faults);

        // Newcomers of the tests go to b.
        await overlays.Grain<IInternalPlacementGrain>("a").SetState("a", OverlayState.Cordoned, "test");
        await overlays.KeepAsync("b");
    }

    private async Task EnrolAsync(string identity, string customer, int expected)
    {
        var placed = Assert.IsType<PlacementOutcome.Placed>(
            await overlays.In("b").PlaceAsync(Request(identity, customer, expected), Cancel));
        Assert.Equal("b", placed.Overlay);
        await overlays.In("b").ConfirmAsync(identity, 1, placed.Overlay, Cancel);
        Assert.Equal((1, 0), await CountAsync("a", "b"));
        Assert.Equal((1, 0), await CountAsync("b", "b"));
    }

    private async Task<(int Nodes, int Reserved)> CountAsync(string at, string overlay)
    {
        var snapshot = (await overlays.Grain<IInternalPlacementGrain>(at).ListOverlays()).Single(one => one.Name == overlay);
        return (snapshot.Nodes, snapshot.Reserved);
    }

    private async Task<(OverlayState State, string Reason)> StateAsync(string at, string overlay)
    {
        var snapshot = (await overlays.Grain<IInternalPlacementGrain>(at).ListOverlays()).Single(one => one.Name == overlay);
        return (snapshot.State, snapshot.StateReason);
    }

    private static PlacementRequest Request(string identity, string customer, int expected) =>
        new(identity, 1, $$"""{"customer":"{{customer}}","expected":{{expected}}}""", "{}");
}
