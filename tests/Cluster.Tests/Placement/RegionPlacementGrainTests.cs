using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;

namespace ControlPlane.Cluster.Tests.Placement;

public sealed class RegionPlacementGrainTests(PlacementCluster cluster) : IClassFixture<PlacementCluster>
{
    private const int Capacity = PlacementCluster.HardLimit;

    [Fact]
    public async Task Place_AnswersTheSame_WhenRepeated()
    {
        var enrolments = cluster.In(cluster.NewRegion());

        var first = await enrolments.PlaceAsync(Request("n1"));

        Assert.Equal(first, await enrolments.PlaceAsync(Request("n1")));
        Assert.Equal((0, 1), await enrolments.CountAsync());
    }

    [Fact]
    public async Task Confirm_MovesThePlaceFromReservedToNodes_AndMayBeRepeated()
    {
        var enrolments = cluster.In(cluster.NewRegion());
        var overlay = await enrolments.EnrolAsync(Request("n1"));

        Assert.Equal(Confirmation.Lives, await enrolments.Owner(overlay).Confirm("n1"));
        Assert.Equal(Confirmation.NoPlace, await enrolments.Owner(overlay).Confirm("n2"));
        await enrolments.UntilCountAsync(1, 0);
    }

    [Fact]
    public async Task Release_FreesThePlace_AndLeavesTheHomeAlone()
    {
        var enrolments = cluster.In(cluster.NewRegion());
        var home = await enrolments.EnrolAsync(Request("n1"));
        await enrolments.UntilCountAsync(1, 0);
        var again = await enrolments.PlaceAsync(Request("n1"));
        Assert.Equal(home, again);
        await enrolments.Owner(again).Release("n1");
        await enrolments.Owner(again).Release("n1");
        var other = await enrolments.PlaceAsync(Request("n2"));
        await enrolments.Owner(other).Release("n2");

        Assert.Equal(Confirmation.NoPlace, await enrolments.Owner(other).Confirm("n2"));
        Assert.Equal(Confirmation.Lives, await enrolments.Owner(home).Confirm("n1"));
        await enrolments.UntilCountAsync(1, 0);
    }

    [Fact]
    public async Task Place_NeverExceedsTheHardLimit_UnderConcurrentArrivals()
    {
        var region = cluster.Region();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, (3 * Capacity) + 20).Select(i => region.Place(Request($"n{i}"))));

        Assert.Equal(3 * Capacity, outcomes.OfType<PlacementOutcome.Placed>().Count());
        Assert.Equal(20, outcomes.OfType<PlacementOutcome.Deferred>().Count());
        Assert.All(await region.ListOverlays(), overlay => Assert.Equal(Capacity, overlay.Reserved));
    }

    [Fact]
    public async Task Place_ChoosesAgain_WhenAnOverlayRefuses()
    {
        var enrolments = cluster.In(cluster.NewRegion());
        await enrolments.Region.SetState("b", OverlayState.Cordoned, "test");
        await enrolments.Region.SetState("c", OverlayState.Cordoned, "test");

        // Filled behind the region's back: its copy is a moment behind.
        var nodes = Enumerable.Range(0, Capacity).Select(i => PlacedNode.New($"other{i}") with
        {
            Held = new Reservation("a", default, false, null) { Decided = new DecisionStamp(0, 1), IsTaken = true },
        });
        var leader = new LeaderEpoch("a", 0);
        var answer = await enrolments.Owner("a").Answer(leader, new OverlayCall.Reserve([.. nodes]));
        Assert.All(answer.Reserved!, verdict => Assert.Null(verdict.Refusal));
        var full = await enrolments.Owner("a").Answer(
            leader, new OverlayCall.Reserve([PlacedNode.New("late") with { Held = new Reservation("a", default, false, null) }]));
        Assert.Contains("a is full", full.Reserved![0].Refusal, StringComparison.Ordinal);

        Assert.IsType<PlacementOutcome.Deferred>(await enrolments.Region.Place(Request("n1")));
        await enrolments.Region.SetState("b", OverlayState.Active, "test");
        Assert.Equal("b", await enrolments.PlaceAsync(Request("n1")));
    }

    [Fact]
    public async Task Place_RemembersEverything_WhenTheGrainsAreActivatedAnew()
    {
        var enrolments = cluster.In(cluster.NewRegion());
        var first = await enrolments.PlaceAsync(Request("n1"));
        await enrolments.EnrolAsync(Request("n2"));
        var cordoned = first == "b" ? "c" : "b";
        await enrolments.Region.SetState(cordoned, OverlayState.Cordoned, "maintenance");

        await cluster.DeactivateAll();

        Assert.Equal(first, await enrolments.PlaceAsync(Request("n1")));
        Assert.Equal((1, 1), await enrolments.CountAsync());
        Assert.Equal(OverlayState.Cordoned, (await enrolments.Region.ListOverlays()).Single(overlay => overlay.Name == cordoned).State);
    }

    [Fact]
    public async Task ListOverlays_CountsNoReservation_WhenItsLeaseHasRunOut()
    {
        var enrolments = cluster.In(cluster.NewRegion());
        var overlay = await enrolments.PlaceAsync(Request("n1"));
        cluster.Time.Advance(TimeSpan.FromHours(2));
        await enrolments.UntilCountAsync(0, 0);

        Assert.Equal(Confirmation.Late, await enrolments.Owner(overlay).Confirm("n1"));
        Assert.Null(await enrolments.Region.Readmit("n1", overlay));
        Assert.Null(await enrolments.Owner(overlay).LetIn("n1"));
        await enrolments.UntilCountAsync(1, 0);
    }

    [Fact]
    public async Task Explain_NamesPolicyCandidatesAndOverlay_WhenANodeWasPlaced()
    {
        var region = cluster.Region();
        var placed = Assert.IsType<PlacementOutcome.Placed>(await region.Place(Request("n1")));

        var explanation = await region.Explain("n1");

        Assert.Equal((placed.Overlay, "default@0", 3), (explanation!.Overlay, explanation.Policy, explanation.Candidates.Count));
        Assert.Null(await region.Explain("unknown"));
    }

    [Fact]
    public async Task SetState_LeavesARetiredOverlayRetired_AndSaysWhatHelps()
    {
        var region = cluster.Region();
        Assert.True(await region.SetState("b", OverlayState.Retired, "burnt down"));
        Assert.True(await region.SetState("b", OverlayState.Retired, "burnt down, twice"));

        var refusal = await Assert.ThrowsAsync<OverlayRetiredException>(() => region.SetState("b", OverlayState.Active, "rebuilt"));

        Assert.Contains("an overlay of another name", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(OverlayState.Retired, (await region.ListOverlays()).Single(overlay => overlay.Name == "b").State);
        Assert.Equal(409, Api.Problems.Of(refusal)?.StatusCode);
    }

    [Fact]
    public async Task SetState_AnswersFalse_WhenTheRegionHasNoSuchOverlay() =>
        Assert.False(await cluster.Region().SetState("nowhere", OverlayState.Cordoned, "typing mistake"));

    private static PlacementRequest Request(string identity) => new(identity, "{}", "{}");
}
