using ControlPlane.Placement;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>
/// Arrivals side by side, leases that end, and a region and overlays that die at any write: no overlay takes too many, whatever the region
/// believes, no group is split, and nothing answered is lost.
/// </summary>
public sealed class StoredRegionTests
{
    private static readonly string[] Mortals = ["", "a", "b", "c"];

    private static readonly Gen<(Death[] Deaths, Call[] Calls)> Histories = Gen.Select(
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 12], Gen.Bool, (who, writes, isStored) => new Death(Mortals[who], writes, isStored))
            .Array[1, 4],
        Gen.Select(Gen.Int[0, 10], Gen.Int[0, 11], Gen.Int[0, 3], Gen.Int[1, 4], (action, node, customer, expected) =>
            new Call(action, $"n{node}", $"c{customer}", expected)).Array[1, 60]);

    private readonly Dictionary<string, Task> busy = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> placedIn = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> homes = new(StringComparer.Ordinal);

    // Nodes enrol again although they arrived, and tell of another customer each time.
    private bool isRestless;

    [Fact]
    public void AnyConcurrentHistory_BreaksNoRule_WheneverItsSilosDie() =>
        Histories.Sample(
            history => PlacementWorld.InTurns(() => new StoredRegionTests().Run(history.Deaths, history.Calls)), iter: 300, threads: 1);

    [Fact]
    public void AnyConcurrentHistory_OverfillsNoOverlay_WhenNodesEnrolAnewAsOthers() =>
        Histories.Sample(
            history => PlacementWorld.InTurns(() => new StoredRegionTests { isRestless = true }.Run(history.Deaths, history.Calls)),
            iter: 300,
            threads: 1);

    [Fact]
    public void Confirm_SendsALateNodeAway_WhenItsGroupOpenedElsewhereMeanwhile() => PlacementWorld.InTurns(async () =>
    {
        var world = await PlacementWorld.OpenAsync();
        var late = Assert.IsType<PlacementOutcome.Placed>(await world.Region.Place(Request("late", "c1", 1)));
        world.Time.Advance(PlacementWorld.Options.LeaseLifetime);
        await world.Copies[late.Overlay].SetStateAsync(OverlayState.Cordoned, "test");
        await world.FollowAsync();
        Assert.NotEqual(late.Overlay, Assert.IsType<PlacementOutcome.Placed>(await world.Region.Place(Request("next", "c1", 1))).Overlay);

        Assert.Equal("customer", await world.ConfirmAsync("late", late.Overlay));
    });

    [Fact]
    public void Confirm_LetsALateNodeIn_AndItsGroupStaysWithIt() => PlacementWorld.InTurns(async () =>
    {
        var world = await PlacementWorld.OpenAsync();
        var late = Assert.IsType<PlacementOutcome.Placed>(await world.Region.Place(Request("late", "c1", 1)));
        world.Time.Advance(PlacementWorld.Options.LeaseLifetime);
        await world.FollowAsync();
        Assert.Null(world.History.Ledger.Node("late")!.Place);

        // Let in by the region, it is not yet let in by the overlay: whoever comes meanwhile goes where it is.
        Assert.Null(await world.Region.Readmit("late", late.Overlay));
        Assert.Equal(late.Overlay, Assert.IsType<PlacementOutcome.Placed>(await world.Region.Place(Request("next", "c1", 1))).Overlay);
        Assert.Null(await world.ConfirmAsync("late", late.Overlay));
    });

    [Fact]
    public void AReservation_WhoseAnswerWasLost_CountsUntilTheOverlayLists() => PlacementWorld.InTurns(async () =>
    {
        var world = await PlacementWorld.OpenAsync();
        world.Cut = _ => true;
        world.IsAnswerLost = true;
        Assert.IsType<PlacementOutcome.Deferred>(await world.Region.Place(Request("n1", "c1", 1)));
        Assert.Equal(1, world.Copies.Values.Count(copy => copy.Entry.Reserved == 1));

        // Its group waits for it rather than opens elsewhere.
        Assert.IsType<PlacementOutcome.Deferred>(await world.Region.Place(Request("n2", "c1", 1)));
        world.Cut = _ => false;
        await world.FollowAsync();
        var first = Assert.IsType<PlacementOutcome.Placed>(await world.Region.Place(Request("n1", "c1", 1)));
        Assert.Equal(first.Overlay, Assert.IsType<PlacementOutcome.Placed>(await world.Region.Place(Request("n2", "c1", 1))).Overlay);
    });

    private async Task Run(Death[] deaths, Call[] calls)
    {
        var world = await PlacementWorld.OpenAsync();
        foreach (var death in deaths)
        {
            world.DieAfter(death.Who, death.Writes, death.IsStored);
            foreach (var call in calls)
            {
                // A node does one thing after the other, as its grain does.
                busy[call.Node] = After(busy.GetValueOrDefault(call.Node, Task.CompletedTask), () => CallAsync(world, call));
            }

            await Task.WhenAll(busy.Values);
            world = await world.RestartAsync();
            await world.FollowAsync();
            await world.TellMovedAsync();
            await world.FollowAsync();
            AssertLawful(world);
        }
    }

    private static async Task After(Task before, Func<Task> call)
    {
        await before;
        await call();
    }

    private async Task CallAsync(PlacementWorld world, Call call)
    {
        var identity = call.Node;
        try
        {
            switch (call.Action)
            {
                case 0:
                    homes.Remove(identity);
                    placedIn.Remove(identity);
                    await world.RemoveAsync(identity);
                    break;
                case 1:
                    await (placedIn.Remove(identity, out var given) ? world.ReleaseAsync(identity, given) : Task.CompletedTask);
                    break;
                case 2:
                    world.Time.Advance(PlacementWorld.Options.LeaseLifetime + TimeSpan.FromMinutes(1));
                    break;
                case 3:
                    await world.FollowAsync();
                    await world.TellMovedAsync();
                    break;
                case < 7:
                    if (placedIn.TryGetValue(identity, out var place) && await world.ConfirmAsync(identity, place) is null)
                    {
                        homes[identity] = place;
                    }

                    break;
                default:
                    await PlaceAsync(world, call);
                    break;
            }
        }
        catch (Exception expected) when (expected is PlacementUnavailableException or IOException)
        {
            // Not answered: whether it was done is unknown.
            homes.Remove(identity);
        }
    }

    private async Task PlaceAsync(PlacementWorld world, Call call)
    {
        var known = await world.KnownAsync(call.Node);
        if (!isRestless && known.Any(node => node.Home is not null))
        {
            return;
        }

        // As long as anybody knows it, it is the same customer's.
        placedIn.Remove(call.Node);
        var request = isRestless || known is not [{ } one, ..]
            ? Request(call.Node, call.Customer, call.Expected)
            : new PlacementRequest(call.Node, one.Attributes, "{}");
        if (await world.Region.Place(request) is PlacementOutcome.Placed placed)
        {
            placedIn[call.Node] = placed.Overlay;
        }
    }

    private void AssertLawful(PlacementWorld world)
    {
        var ledger = world.History.Ledger;
        foreach (var overlay in ledger.Overlays)
        {
            var places = world.PlacesOf(overlay.Name);
            Assert.True(
                places.Nodes + places.Reserved <= places.HardLimit, $"{places.Nodes} and {places.Reserved} of {places.HardLimit}");
            Assert.Equal(places.AllNodes().Count(node => node.Home is not null), places.Nodes);
            Assert.Equal(places.AllNodes().Count(node => node is { Home: null, LiveHold: not null }), places.Reserved);

            // The copy is the owner's account, without reservations that a later decision replaced, and without nodes that live elsewhere
            // by now: only one that is on its way back is still listed.
            var moved = ledger.MovedAway.Where(node => node.Overlay == overlay.Name).Select(node => node.Identity).ToHashSet();
            Assert.All(moved, identity => Assert.NotNull(places.Node(identity)!.LiveHold));
            Assert.Equal(places.Nodes - moved.Count, overlay.Nodes);
            Assert.Equal(
                places.AllNodes().Count(node => (node.Home is null || moved.Contains(node.Identity))
                    && node.LiveHold is { } hold && ledger.Node(node.Identity)!.Held == hold),
                overlay.Reserved);
        }

        if (!isRestless)
        {
            // A node that enrols as another customer's, and dies on the way, still lives where that customer does not.
            foreach (var group in ledger.AllNodes().Where(node => node.Place is not null).GroupBy(node => node.Attributes.Split(',')[0]))
            {
                Assert.Single(group.Select(node => node.Place).Distinct());
            }
        }

        foreach (var (identity, home) in homes)
        {
            Assert.Equal(home, ledger.Node(identity)?.Home);
            Assert.NotNull(world.PlacesOf(home).Node(identity)?.Home);
        }

        foreach (var (identity, place) in placedIn)
        {
            Assert.NotNull(world.PlacesOf(place).Node(identity));
        }
    }

    private static PlacementRequest Request(string identity, string customer, int expected) =>
        new(identity, $$"""{"customer":"{{customer}}","expected":{{expected}}}""", "{}");

    /// <param name="Who">An overlay; empty for the region.</param>
    /// <param name="Writes">How many of its writes go through.</param>
    /// <param name="IsStored">Whether the one after them does, unheard.</param>
    private sealed record Death(string Who, int Writes, bool IsStored);

    private sealed record Call(int Action, string Node, string Customer, int Expected);
}
