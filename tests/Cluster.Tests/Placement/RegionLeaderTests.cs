using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;

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

    public ValueTask InitializeAsync() => overlays.InitializeAsync();

    public ValueTask DisposeAsync() => overlays.DisposeAsync();

    [Fact]
    public async Task PlaceAsync_AsksTheLeader_AndFallsBackForMembersOfGroupsThatLiveHere()
    {
        await ArrangeAsync("membersOfLocalGroups");
        await EnrolAsync("n1", "acme", 4);
        overlays.Link.IsCut = true;

        var member = Assert.IsType<PlacementOutcome.Placed>(await overlays.In("b").PlaceAsync(Request("n2", "acme", 4)));
        Assert.Equal("b", member.Overlay);
        Assert.Null(await overlays.In("b").ConfirmAsync("n2", "b"));
        Assert.IsType<PlacementOutcome.Deferred>(await overlays.In("b").PlaceAsync(Request("m1", "bank", 1)));

        overlays.Link.IsCut = false;
        await overlays.UntilCountAsync("a", "b", (2, 0));
        Assert.Equal("b", (await overlays.Region("a").Explain("n2"))!.Overlay);
    }

    [Fact]
    public async Task PlaceAsync_Defers_WhenThePolicySaysSo_ButForWhoLivesHere()
    {
        await ArrangeAsync("defer");
        await EnrolAsync("n1", "acme", 4);
        overlays.Link.IsCut = true;

        var deferred = Assert.IsType<PlacementOutcome.Deferred>(await overlays.In("b").PlaceAsync(Request("n2", "acme", 4)));

        Assert.Contains("a does not answer", deferred.Reason, StringComparison.Ordinal);
        Assert.Equal("b", Assert.IsType<PlacementOutcome.Placed>(await overlays.In("b").PlaceAsync(Request("n1", "acme", 4))).Overlay);
    }

    [Fact]
    public async Task PlaceAsync_NeverExceedsTheHardLimit_WhileTheLeaderIsLost()
    {
        await ArrangeAsync("membersOfLocalGroups");
        await EnrolAsync("n1", "acme", 3);
        overlays.Link.IsCut = true;

        var outcomes = new List<PlacementOutcome>();
        for (var i = 2; i < 30; i++)
        {
            outcomes.Add(await overlays.In("b").PlaceAsync(Request($"n{i}", "acme", 3)));
        }

        Assert.InRange(outcomes.OfType<PlacementOutcome.Placed>().Count(), 2, TwoOverlays.HardLimit - 1);
        var (nodes, reserved) = await overlays.OwnCountAsync("b");
        Assert.InRange(nodes + reserved, 3, TwoOverlays.HardLimit);
        Assert.Equal((nodes, reserved), await overlays.CountAsync("b", "b"));
    }

    [Fact]
    public async Task Promote_FencesTheOldLeader_AndPlacesNowhereElse_UntilTheOthersAnswer()
    {
        await ArrangeAsync("defer");
        await EnrolAsync("n1", "acme", 4);
        overlays.Link.IsCut = true;

        var leader = await overlays.Region("b").Promote("a burns");
        Assert.Equal(("b", 1, true), (leader.Leader, leader.Epoch, leader.IsHere));
        Assert.Equal(leader, await overlays.Region("b").Promote("again"));
        Assert.Equal(OverlayState.Isolated, (await overlays.OverlayAsync("b", "a")).State);
        Assert.Equal("b", Assert.IsType<PlacementOutcome.Placed>(await overlays.Region("b").Place(Request("n2", "acme", 4))).Overlay);

        // Whoever speaks for the leader before is not heard, also by an activation that knows it from the store only.
        var late = await overlays.Owner("b").Answer(
            new LeaderEpoch("a", 0), new OverlayCall.SetState(OverlayState.Cordoned, "of the old leader"));
        Assert.Equal((new LeaderEpoch("b", 1), OverlayState.Active), (late.Leader, late.Header.State));

        // The wire is mended: the old leader hears of the new epoch and decides no more.
        overlays.Link.IsCut = false;
        await overlays.UntilAsync(async () => (await overlays.Region("a").Get()).Leader == "b", "the old leader steps down");
        await Assert.ThrowsAsync<NotRegionLeaderException>(() => overlays.Region("a").SetState("a", OverlayState.Active, "test"));
        await overlays.UntilAsync(
            async () => await overlays.OverlayAsync("b", "a") is { State: OverlayState.Cordoned, StateReason: "test" }, "a has listed");

        // And asks the new leader from now on.
        Assert.Equal("b", Assert.IsType<PlacementOutcome.Placed>(await overlays.In("a").PlaceAsync(Request("n4", "acme", 4))).Overlay);
    }

    [Fact]
    public async Task PlaceAsync_AsksTheNewLeader_ThoughTheSiteBelievesThatItLeadsStill()
    {
        await ArrangeAsync("defer");
        await EnrolAsync("n1", "acme", 4);
        overlays.Link.IsCut = true;
        await overlays.Region("b").Promote("a burns");
        overlays.Link.IsCut = false;

        Assert.Equal("b", Assert.IsType<PlacementOutcome.Placed>(await overlays.In("a").PlaceAsync(Request("n2", "acme", 4))).Overlay);
    }

    [Theory]
    [InlineData(OverlayState.Draining)]
    [InlineData(OverlayState.Isolated)]
    [InlineData(OverlayState.Retired)]
    public async Task Promote_KnowsTheStates_AsOverlaysKeepThem(OverlayState state)
    {
        await ArrangeAsync("defer");
        await overlays.Region("a").SetState("a", state, "the disks fail");
        await overlays.Region("a").SetState("b", OverlayState.Cordoned, "for the audit");
        await overlays.UntilAsync(async () => (await overlays.OverlayAsync("b", "a")).State == state, "b has heard of a's state");
        overlays.Link.IsCut = true;

        await overlays.Region("b").Promote("a burns");
        Assert.Equal((OverlayState.Cordoned, "for the audit"), await StateAsync("b", "b"));
        Assert.Equal(state == OverlayState.Retired ? state : OverlayState.Isolated, (await StateAsync("b", "a")).State);

        // What is said of it meanwhile holds.
        await overlays.Region("b").SetState("b", OverlayState.Active, "audited");
        overlays.Link.IsCut = false;
        await overlays.UntilAsync(async () => await StateAsync("b", "a") == (state, "the disks fail"), "b knows of a's state");

        // And the old leader hears what the new one says.
        await overlays.UntilAsync(async () => await StateAsync("a", "b") == (OverlayState.Active, "audited"), "a knows of b's state");
    }

    [Fact]
    public async Task Promote_SplitsNoGroup_ThatMayLiveInAnOverlayWhichDoesNotAnswer()
    {
        await ArrangeAsync("defer");
        await overlays.Region("a").SetState("a", OverlayState.Active, "test");
        await overlays.Region("a").SetState("b", OverlayState.Cordoned, "test");
        Assert.IsType<PlacementOutcome.Placed>(await overlays.In("a").PlaceAsync(Request("n1", "acme", 4)));
        Assert.Null(await overlays.In("a").ConfirmAsync("n1", "a"));
        overlays.Link.IsCut = true;
        var leader = overlays.Region("b");
        await leader.Promote("a burns");
        await leader.SetState("b", OverlayState.Active, "test");

        var waits = Assert.IsType<PlacementOutcome.Deferred>(await leader.Place(Request("n2", "acme", 4)));
        Assert.Contains("unlisted rejects 2", waits.Reason, StringComparison.Ordinal);
        Assert.IsType<PlacementOutcome.Placed>(await leader.Place(new PlacementRequest("alone", "{}", "{}")));

        overlays.Link.IsCut = false;
        await overlays.UntilCountAsync("b", "a", (1, 0));
        Assert.Equal("a", Assert.IsType<PlacementOutcome.Placed>(await leader.Place(Request("n2", "acme", 4))).Overlay);
    }

    [Fact]
    public async Task Promote_LetsGroupsOpenAgain_WhenAnOverlayThatNeverAnswersIsRetired()
    {
        await ArrangeAsync("defer");
        overlays.Link.IsCut = true;
        var leader = overlays.Region("b");
        await leader.Promote("a burns");
        Assert.IsType<PlacementOutcome.Deferred>(await leader.Place(Request("n2", "acme", 4)));
        await Assert.ThrowsAsync<OverlayUnreachableException>(() => leader.SetState("a", OverlayState.Draining, "it burns"));

        await leader.SetState("a", OverlayState.Retired, "burnt down");

        Assert.Equal("b", Assert.IsType<PlacementOutcome.Placed>(await leader.Place(Request("n2", "acme", 4))).Overlay);

        // It hears that if it ever comes back.
        overlays.Link.IsCut = false;
        await overlays.UntilAsync(
            async () => await StateAsync("a", "a") == (OverlayState.Retired, "burnt down"), "a knows that it is retired");
    }

    [Fact]
    public async Task RemoveAsync_FreesThePlaceAtOnce_AndNobodyPlacesTheNode_UntilItsOwnerLetsIt()
    {
        await ArrangeAsync("defer");
        await EnrolAsync("n1", "acme", 4);
        overlays.Link.IsCut = true;
        await overlays.In("b").RemoveAsync("n1", "b", isGone: true);
        await overlays.In("b").RemoveAsync("n1", "b", isGone: true);
        Assert.Equal((0, 0), await overlays.OwnCountAsync("b"));

        overlays.Link.IsCut = false;
        await overlays.UntilCountAsync("a", "b", (0, 0));
        await overlays.UntilCountAsync("b", "b", (0, 0));
        foreach (var site in new[] { "a", "b" })
        {
            Assert.Contains(
                "decommissioned from b",
                Assert.IsType<PlacementOutcome.Deferred>(await overlays.In(site).PlaceAsync(Request("n1", "acme", 4))).Reason,
                StringComparison.Ordinal);
        }

        await overlays.In("b").RemoveAsync("n1", overlay: null, isGone: false);
        await overlays.UntilAsync(
            async () => await overlays.In("b").PlaceAsync(Request("n1", "acme", 4)) is PlacementOutcome.Placed, "it is let in");
    }

    [Fact]
    public async Task Hear_StepsDown_AndForgetsWhatConcernsOthers()
    {
        await ArrangeAsync("defer");
        await EnrolAsync("n1", "acme", 4);
        Assert.NotNull(await overlays.Region("a").Explain("n1"));

        await overlays.Region("a").Hear(new LeaderEpoch("b", 1));

        await overlays.UntilAsync(async () => await overlays.Region("a").Explain("n1") is null, "a follows b no more");
        await overlays.UntilAsync(async () => await overlays.CountAsync("a", "b") == (1, 0), "the leader says how many live in b");
        Assert.True((await overlays.Region("b").Get()).IsHere);
    }

    [Fact]
    public async Task Answer_StepsDown_ForALaterEpochOnly()
    {
        await ArrangeAsync("defer");
        var region = overlays.Region("a");

        var first = await region.Answer(new LeaderEpoch("b", 3), new LeaderCall.Greet(0));
        Assert.Equal(new LeaderEpoch("b", 3), first.Leader);
        Assert.Null(first.News);
        Assert.Equal(new LeaderEpoch("b", 3), (await region.Answer(new LeaderEpoch("c", 2), new LeaderCall.Greet(0))).Leader);

        // Who is no overlay of the region cannot take it, nor make an overlay deaf to who leads it.
        Assert.Equal(3, (await region.Answer(new LeaderEpoch("x", 9), new LeaderCall.Greet(0))).Leader.Epoch);
        await Assert.ThrowsAsync<PlacementUnavailableException>(
            () => overlays.Owner("a").Answer(new LeaderEpoch("x", 9), new OverlayCall.List(PlacesCursor.Start)));
        Assert.Equal(("b", 3), ((await region.Get()).Leader, (await region.Get()).Epoch));
    }

    private async Task ArrangeAsync(string leaderLost)
    {
        var verdict = await overlays.Grain<IPlacementPolicyGrain>("a").ApplyPolicy(
            Policy.Replace("LEADER_LOST", leaderLost, StringComparison.Ordinal));
        Assert.Empty(verdict.Faults);

        // Newcomers of the tests go to b.
        await overlays.Region("a").SetState("a", OverlayState.Cordoned, "test");
        await overlays.UntilAsync(async () => (await overlays.Region("b").Get()).PolicyVersion == 1, "b has the policy");
    }

    private async Task EnrolAsync(string identity, string customer, int expected)
    {
        var placed = Assert.IsType<PlacementOutcome.Placed>(await overlays.In("b").PlaceAsync(Request(identity, customer, expected)));
        Assert.Equal("b", placed.Overlay);
        Assert.Null(await overlays.In("b").ConfirmAsync(identity, placed.Overlay));
        await overlays.UntilCountAsync("a", "b", (1, 0));
        await overlays.UntilCountAsync("b", "b", (1, 0));
    }

    private async Task<(OverlayState State, string Reason)> StateAsync(string at, string overlay)
    {
        var snapshot = await overlays.OverlayAsync(at, overlay);
        return (snapshot.State, snapshot.StateReason);
    }

    private static PlacementRequest Request(string identity, string customer, int expected) =>
        new(identity, $$"""{"customer":"{{customer}}","expected":{{expected}}}""", "{}");
}
