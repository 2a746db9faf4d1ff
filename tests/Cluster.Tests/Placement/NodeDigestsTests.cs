using ControlPlane.Placement;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>An overlay remembers who lives in it by the leader's account, for the time when the leader is lost.</summary>
public sealed class NodeDigestsTests : IAsyncLifetime
{
    private readonly TwoOverlays overlays = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IInternalPlacementGrain B => overlays.Grain<IInternalPlacementGrain>("b");

    public async ValueTask InitializeAsync()
    {
        await overlays.InitializeAsync();

        // Newcomers go to b; the first greeting is the report.
        await overlays.Grain<IInternalPlacementGrain>("a").SetState("a", OverlayState.Cordoned, "test");
        await overlays.KeepAsync("b");
    }

    public ValueTask DisposeAsync() => overlays.DisposeAsync();

    [Fact]
    public async Task Promote_CountsTheNodesOfTheOldHomesSilos_ThoughThatIsLostForGood()
    {
        for (var i = 0; i < 4; i++)
        {
            await EnrolAsync("a", $"n{i}");
        }

        Assert.Equal(0, await NodesAsync());
        await overlays.KeepAsync("b");
        overlays.Link.IsCut = true;
        await overlays.Grain<IInternalPlacementGrain>("b").Promote("ann", "a burnt down");
        await B.SetState("a", OverlayState.Retired, "burnt down");

        Assert.Equal(4, await NodesAsync());
        var outcomes = new List<PlacementOutcome>();
        for (var i = 0; i < TwoOverlays.HardLimit; i++)
        {
            outcomes.Add(await B.Place(Request($"later{i}")));
        }

        Assert.Equal(TwoOverlays.HardLimit - 4, outcomes.OfType<PlacementOutcome.Placed>().Count());
    }

    [Fact]
    public async Task Heard_ForgetsWhoIsHereNoMore_AndTouchesNobodyElse()
    {
        await EnrolAsync("b", "own");
        await EnrolAsync("a", "left");
        await EnrolAsync("a", "moved");
        await overlays.KeepAsync("b");
        Assert.Equal(3, await NodesAsync());

        await overlays.In("a").ForgetAsync("left", Cancel);
        await overlays.Grain<IInternalPlacementGrain>("a").SetState("a", OverlayState.Active, "test");
        await overlays.Grain<IInternalPlacementGrain>("a").SetState("b", OverlayState.Draining, "test");
        await EnrolAsync("a", "moved", attempt: 2);
        await overlays.KeepAsync("b");

        Assert.Equal(1, await NodesAsync());
        Assert.Equal("b", (await B.Explain("own"))!.Overlay);
        Assert.Null(await B.Explain("left"));
        Assert.Null(await B.Explain("moved"));
        Assert.Null((await overlays.Grain<IInternalPlacementGrain>("a").Answer(
            await overlays.Grain<IInternalPlacementGrain>("b").NextHello())).Residents);
    }

    [Fact]
    public async Task Heard_TellsEverythingAgain_WhenTheHomesHistoryIsAnotherOne()
    {
        await EnrolAsync("b", "n1");
        var here = overlays.Grain<IInternalPlacementGrain>("b");
        Assert.False((await here.Get()).OwesReport);

        // It knows of nobody: its store was lost.
        var all = Enumerable.Range(0, 256).ToArray();
        await here.Heard(new LinkReply("a", 0, IsLeader: true, Born: DateTimeOffset.UnixEpoch, Residents: new LocalNodesPage(all, [])));

        Assert.True((await here.Get()).OwesReport);
        Assert.Null((await here.NextHello()).Digests);
        Assert.Equal(1, await NodesAsync());
    }

    private async Task EnrolAsync(string keeper, string identity, int attempt = 1)
    {
        var request = Request(identity) with { Attempt = attempt };
        var placed = Assert.IsType<PlacementOutcome.Placed>(await overlays.In(keeper).PlaceAsync(request, Cancel));
        await overlays.In(keeper).ConfirmAsync(identity, attempt, placed.Overlay, Cancel);
    }

    private async Task<int> NodesAsync() => (await B.ListOverlays()).Single(overlay => overlay.Name == "b").Nodes;

    private static PlacementRequest Request(string identity) => new(identity, 1, "{}", "{}");
}
