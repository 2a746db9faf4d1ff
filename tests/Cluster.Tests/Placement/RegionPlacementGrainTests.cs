using ControlPlane.Placement;

namespace ControlPlane.Cluster.Tests.Placement;

public sealed class RegionPlacementGrainTests(PlacementCluster cluster) : IClassFixture<PlacementCluster>
{
    private const int Capacity = PlacementCluster.HardLimit;

    [Fact]
    public async Task Place_AnswersTheSame_WhenRepeated()
    {
        var region = cluster.Region();

        var first = Assert.IsType<PlacementOutcome.Placed>(await region.Place(Request("n1", 1)));
        var second = Assert.IsType<PlacementOutcome.Placed>(await region.Place(Request("n1", 1)));

        Assert.Equal(first.Overlay, second.Overlay);
        Assert.Equal((0, 1), await Totals(region));
    }

    [Fact]
    public async Task Place_ReplacesTheReservation_WhenTheAttemptIsNewer()
    {
        var region = cluster.Region();
        await region.Place(Request("n1", 1));
        await region.Place(Request("n1", 2));
        await region.Release("n1", 1);

        Assert.Equal((0, 1), await Totals(region));
    }

    [Fact]
    public async Task Confirm_MovesThePlaceFromReservedToNodes_AndMayBeRepeated()
    {
        var region = cluster.Region();
        await region.Place(Request("n1", 1));
        await region.Confirm("n1", 1);
        await region.Confirm("n1", 1);

        Assert.Equal((1, 0), await Totals(region));
    }

    [Fact]
    public async Task Release_FreesThePlace_AndLeavesTheHomeAlone()
    {
        var region = cluster.Region();
        await region.Place(Request("n1", 1));
        await region.Confirm("n1", 1);
        await region.Place(Request("n1", 2));
        await region.Release("n1", 2);
        await region.Release("n1", 2);
        await region.Place(Request("n2", 1));
        await region.Release("n2", 1);

        Assert.Equal((1, 0), await Totals(region));
    }

    [Fact]
    public async Task Place_NeverExceedsTheHardLimit_UnderConcurrentArrivals()
    {
        var region = cluster.Region();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, (3 * Capacity) + 20).Select(i => region.Place(Request($"n{i}", 1))));

        Assert.Equal(3 * Capacity, outcomes.OfType<PlacementOutcome.Placed>().Count());
        Assert.Equal(20, outcomes.OfType<PlacementOutcome.Deferred>().Count());
        Assert.All(await region.ListOverlays(), overlay => Assert.Equal(Capacity, overlay.Reserved));
    }

    [Fact]
    public async Task Place_RemembersEverything_WhenTheGrainIsActivatedAnew()
    {
        var region = cluster.Region();
        var first = Assert.IsType<PlacementOutcome.Placed>(await region.Place(Request("n1", 1)));
        await region.Place(Request("n2", 1));
        await region.Confirm("n2", 1);
        await region.SetState("b", OverlayState.Cordoned, "maintenance");

        await cluster.DeactivateAll();

        Assert.Equal(first.Overlay, Assert.IsType<PlacementOutcome.Placed>(await region.Place(Request("n1", 1))).Overlay);
        Assert.Equal((1, 1), await Totals(region));
        Assert.Equal(OverlayState.Cordoned, (await region.ListOverlays()).Single(overlay => overlay.Name == "b").State);
    }

    [Fact]
    public async Task ListOverlays_CountsNoReservation_WhenItsLeaseHasRunOut()
    {
        var region = cluster.Region();
        await region.Place(Request("n1", 1));
        cluster.Time.Advance(TimeSpan.FromHours(2));

        Assert.Equal((0, 0), await Totals(region));

        await region.Confirm("n1", 1);
        Assert.Equal((1, 0), await Totals(region));
    }

    [Fact]
    public async Task Explain_NamesPolicyCandidatesAndOverlay_WhenANodeWasPlaced()
    {
        var region = cluster.Region();
        var placed = Assert.IsType<PlacementOutcome.Placed>(await region.Place(Request("n1", 1)));

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

    private static PlacementRequest Request(string identity, int attempt) => new(identity, attempt, "{}", "{}");

    private static async Task<(int Nodes, int Reserved)> Totals(IInternalPlacementGrain region)
    {
        var overlays = await region.ListOverlays();
        return (overlays.Sum(overlay => overlay.Nodes), overlays.Sum(overlay => overlay.Reserved));
    }
}
