using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Orleans.Runtime;
using Orleans.Serialization;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>What an overlay does for whom.</summary>
public sealed class OverlayPlacementTests
{
    private static readonly Serializer Serializer =
        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    [Fact]
    public void Answer_RefusesALeader_WhenALaterOneCameWhileItWasHeardOf() => PlacementWorld.InTurns(async () =>
    {
        OverlayPlacement? places = null;
        places = await OpenAsync(leader => leader.Epoch == 1
            ? places!.Answer(new LeaderEpoch("b", 2), new OverlayCall.List(PlacesCursor.Start))
            : Task.CompletedTask);

        var answer = await places.Answer(new LeaderEpoch("c", 1), new OverlayCall.Reserve([Wanted("n1", 1)]));

        Assert.Equal(new LeaderEpoch("b", 2), answer.Leader);
        Assert.Null(answer.Reserved);
        Assert.Equal((0, 0), (answer.Header.Nodes, answer.Header.Reserved));
    });

    [Fact]
    public void Leave_FreesThePlace_ButOfWhoIsOnItsWayBack() => PlacementWorld.InTurns(async () =>
    {
        var places = await OpenAsync(_ => Task.CompletedTask);
        var leader = new LeaderEpoch("a", 0);
        foreach (var identity in new[] { "gone", "back" })
        {
            await places.Answer(leader, new OverlayCall.Reserve([Wanted(identity, 1)]));
            Assert.Equal(Confirmation.Lives, await places.Confirm(identity));
        }

        await places.Answer(leader, new OverlayCall.Reserve([Wanted("back", 9)]));
        var moved = new DecisionStamp(0, 5);
        Assert.Equal((true, false), (places.LivedBefore("gone", moved), places.LivedBefore("back", moved)));
        await places.Leave("gone", moved);
        await places.Leave("back", moved);

        Assert.Equal((Confirmation.NoPlace, Confirmation.Lives), (await places.Confirm("gone"), await places.Confirm("back")));
        Assert.False(places.LivedBefore("back", moved));
    });

    private static PlacedNode Wanted(string identity, long ticks) => PlacedNode.New(identity) with
    {
        Held = new Reservation("a", default, false, null) { Decided = new DecisionStamp(0, ticks), IsTaken = true },
    };

    private static async Task<OverlayPlacement> OpenAsync(Func<LeaderEpoch, Task> hear)
    {
        var stored = new StoredPlaces(
            "a", new MemoryStore(), GrainId.Create("overlay-placement", "test/a"), Serializer, new FakeTimeProvider(), _ => { });
        await stored.OpenAsync();
        return new OverlayPlacement(stored, () => PlacementWorld.Options, hear);
    }
}
