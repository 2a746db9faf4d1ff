using ControlPlane.Placement;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>What earlier versions stored is still read, and what this one stores comes back.</summary>
public sealed class StoredLayoutTests
{
    // As written before there were stamps, keepers and departures: n1 lives in a with a place in b, n2 lives in b.
    private const string OldShard =
        "IOggAAlBA2FAJ3siY3VzdG9tZXIiOiJhY21lIn1AA2JABXt94CEABSHoQAVuMQEBAQ0h6MANAREhgABg10xZSd8IgQAAAAAAAAAA4AEBwQHgAQ" +
        "UBHUEFAQLgIOhABW4yAQkBBcEBAQ0BAUEB4ODg";

    // The same nodes, n2 forgotten, and a leader that stepped down.
    private const string OldJournal =
        "IAAJMQHyoIOPSUNvbnRyb2xQbGFuZS5MZWRnZXJFbnRyeS5Ob2RlQ2hhbmdlZOjo6CDoQAVuMUEDYQENIehAA2IBESGAAGDXTFlJ3wiBAAAAAA" +
        "AAAADgAQHBAeBBJ3siY3VzdG9tZXIiOiJhY21lIn0BHUEFAQLg4DgD6OjoIOhABW4ywRMBBcEBQQV7fQEBQQHg4DABOY0eI01Db250cm9sUGxh" +
        "bmUuTGVkZ2VyRW50cnkuTm9kZUZvcmdvdHRlbujo6MAr4DAB/pmm7UFDb250cm9sUGxhbmUuTGVkZ2VyRW50cnkuSG9tZVNldOjo6MANAQlBB2" +
        "FubkEHd2h5IYAAYNdMWUnfCIEAAAAAAAAAAOABA8EN4OA=";

    private const string OldHead =
        "IOgAAQEBASUhAAMh6OjoQANhCQMFQQN4IYAAYNdMWUnfCIEAAAAAAAAAAOAh6MARCQMJQQN54ODgIeAh6CDg4CHoIOABAeAh6OjoQANiAQVBAc" +
        "E3IYAAYNdMWUnfCIEAAAAAAAAAAOABAcEB4CHg4A==";

    private static readonly Serializer Serializer =
        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    [Fact]
    public void AShard_OfBeforeStamps_IsRead()
    {
        var ledger = new RegionState();

        ledger.RestoreShard(RegionState.ShardOf("n1"), Serializer.Deserialize<PackedShard>(Convert.FromBase64String(OldShard))!);

        var n1 = ledger.Node("n1")!;
        Assert.Equal(("a", 3, "b", 4, 7), (n1.Home, n1.HomeAttempt, n1.Held!.Overlay, n1.Held.Attempt, n1.Declared));
        Assert.Equal((default, default, null, null), (n1.Decided, n1.Held.Decided, n1.Keeper, n1.Held.Keeper));
        Assert.Equal(default, ledger.Departed.At("n1"));
    }

    [Fact]
    public void AJournal_OfBeforeStamps_IsRead()
    {
        var ledger = new RegionState();
        foreach (var entry in Serializer.Deserialize<PlacementChange[]>(Convert.FromBase64String(OldJournal))!)
        {
            ledger.Apply(entry);
        }

        Assert.Equal(("a", 2L), (ledger.Leader!.Leader, ledger.Leader.Epoch));
        Assert.Equal(["n1"], ledger.AllNodes().Select(node => node.Identity));
        Assert.Equal(default, ledger.Departed.At("n2"));
    }

    [Fact]
    public void AHead_OfBeforeStamps_IsRead()
    {
        var ledger = new RegionState();

        ledger.Restore(Serializer.Deserialize<PlacementHead>(Convert.FromBase64String(OldHead))!);

        Assert.Equal((9L, "b", OverlayState.Draining), (ledger.Sequence, ledger.Leader!.Leader, ledger.Overlay("a")!.Awaited!.State));
    }

    [Fact]
    public void AHead_ComesBackWithPlacesUntold_WhichEndWhenNobodyIsAwaited()
    {
        var at = DateTimeOffset.UnixEpoch;
        var ledger = new RegionState();
        ledger.Apply(new PlacementChange.OverlaySet("a", OverlayState.Active, "test", at));
        ledger.Apply(new PlacementChange.LeaderSet("a", 1, "ann", "test", at, OwesReport: false));
        var awaited = new OverlayCondition("b", OverlayState.Active, "test");
        ledger.Apply(new PlacementChange.OverlaySet("b", OverlayState.Isolated, "test", at) { Awaited = awaited });
        ledger.Apply(new PlacementChange.PlacesUntold("a", 3));

        var back = new RegionState();
        back.Restore(Serializer.Deserialize<PlacementHead>(Serializer.SerializeToArray(ledger.Capture()))!);
        Assert.Equal((3, 3), (back.Overlay("a")!.Untold, back.Overlay("a")!.Committed));

        back.Apply(new PlacementChange.OverlaySet("a", OverlayState.Cordoned, "test", at));
        Assert.Equal(3, back.Overlay("a")!.Untold);
        back.Apply(new PlacementChange.OverlaySet("b", OverlayState.Active, "test", at));
        Assert.Equal(0, back.Overlay("a")!.Untold);
    }

    [Fact]
    public void AShard_ComesBackWithStampsKeepersAndDepartures()
    {
        var stamp = new DecisionStamp(3, 77);
        var node = PlacedNode.New("n1") with
        {
            Home = "a",
            HomeAttempt = 1,
            Decided = stamp,
            Keeper = "c",
            Held = new Reservation("b", 2, DateTimeOffset.MaxValue, false, null) { Decided = new DecisionStamp(3, 78), Keeper = "d" },
        };
        var departed = new Dictionary<string, DecisionStamp> { ["gone"] = new DecisionStamp(4, 5) };

        var stored = Serializer.Deserialize<PackedShard>(Serializer.SerializeToArray(PackedShard.Of([node], departed)))!;
        var back = Assert.Single(stored.Unpack(text => text));

        Assert.Equal((stamp, "c", node.Held), (back.Decided, back.Keeper, back.Held));
        Assert.Equal(new PackedDeparture("gone", new DecisionStamp(4, 5)), Assert.Single(stored.Departed!));
    }
}
