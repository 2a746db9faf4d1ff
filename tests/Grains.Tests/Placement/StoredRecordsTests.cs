using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using ControlPlane.Sites;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>What an overlay and a region store comes back as it was, and so does what sites say to each other.</summary>
public sealed class StoredRecordsTests
{
    private static readonly Serializer Serializer =
        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    private static readonly PlacedNode Node = PlacedNode.New("n1") with
    {
        Home = "a",
        Attributes = """{"customer":"acme"}""",
        Declared = 7,
        Trace = [1, 2, 3],
        Decided = new DecisionStamp(3, 77),
        Held = new Reservation("a", DateTimeOffset.UnixEpoch.AddDays(9), false, "drain-1")
        {
            Decided = new DecisionStamp(3, 78), IsTaken = true,
        },
    };

    private static readonly PlanProgress Plan = new(
        "drain-1", PlanKind.Drain, "a", PlanStage.Running, "", "ann", DateTimeOffset.UnixEpoch, 9, "job", 2, 3, 4, 5, ["n1 skipped"]);

    private static readonly LeaderEpoch Leader = new("a", 3);

    [Fact]
    public void AShard_ComesBack()
    {
        var gone = PlacedNode.New("gone") with { IsGone = true, Decided = new DecisionStamp(4, 5) };
        var held = Node with { Identity = "n2", Home = null };

        var stored = Serializer.Deserialize<PackedShard>(Serializer.SerializeToArray(PackedShard.Of([Node, gone, held])))!;

        // Attributes that repeat are stored once.
        Assert.Equal(2, stored.Texts.Length);
        Assert.Equivalent(new[] { Node, gone, held }, stored.Unpack("a", text => text).ToArray(), strict: true);
    }

    [Fact]
    public void AHead_ComesBack()
    {
        var places = new OverlayPlaces("a");
        places.Apply(new PlacementChange.OverlaySet("a", OverlayState.Draining, "plan drain-1"));
        places.Apply(new PlacementChange.LeaderSet(Leader, "", "", DateTimeOffset.UnixEpoch));
        var head = places.Capture() with { JournalFrom = 12, JournalDroppedTo = 5 };

        var back = Serializer.Deserialize<PlacesHead>(Serializer.SerializeToArray(head))!;
        var restored = new OverlayPlaces("a");
        restored.Restore(back);

        Assert.Equal(head, back);
        Assert.Equal(
            (OverlayState.Draining, "plan drain-1", Leader), (restored.State, restored.Reason, restored.Leader));
    }

    [Fact]
    public void ARegion_ComesBack()
    {
        var ledger = new RegionState();
        ledger.Apply(new PlacementChange.OverlaySet("b", OverlayState.Active, "configured"));
        ledger.Apply(new PlacementChange.OverlaySet("a", OverlayState.Cordoned, "disk"));
        ledger.Apply(new PlacementChange.LeaderSet(Leader, "ann", "b burns", DateTimeOffset.UnixEpoch));
        ledger.Apply(new PlacementChange.GroupHomed("g", "b"));
        ledger.Apply(new PlacementChange.PlanChanged(Plan));

        var back = new RegionState();
        back.Restore(Serializer.Deserialize<RegionRecord>(Serializer.SerializeToArray(ledger.Capture()))!);

        Assert.Equal(ledger.OverlaysByNumber.Select(overlay => (overlay.Name, overlay.Number, overlay.Decided)),
            back.OverlaysByNumber.Select(overlay => (overlay.Name, overlay.Number, overlay.Decided)));
        Assert.Equal((ledger.Leader, "b"), (back.Leader, back.Homings["g"]));
        Assert.Equivalent(Plan, Assert.Single(back.Plans.Plans), strict: true);
    }

    public static TheoryData<string> Messages => [.. Said.Keys];

    [Theory]
    [MemberData(nameof(Messages))]
    public void WhatSitesSay_ComesBack(string message)
    {
        switch (Said[message])
        {
            case PlacementQuestion question:
                Assert.Equivalent(question, SiteJson.Read<PlacementQuestion>(SiteJson.Write(question)), strict: true);
                break;
            case PlacementReply reply:
                Assert.Equivalent(reply, SiteJson.Read<PlacementReply>(SiteJson.Write(reply)), strict: true);
                break;
        }
    }

    private static readonly Dictionary<string, object> Said = new()
    {
        ["reserve"] = Of(new OverlayCall.Reserve([Node, Node with { Home = null }])),
        ["give back"] = Of(new OverlayCall.GiveBack(["n1"])),
        ["list"] = Of(new OverlayCall.List(PlacesCursor.Start)),
        ["set state"] = Of(new OverlayCall.SetState(OverlayState.Retired, "burnt down")),
        ["greet"] = new PlacementQuestion.OfLeader("eu", Leader, new LeaderCall.Greet(4)),
        ["place"] = new PlacementQuestion.OfLeader(
            "eu", Leader, new LeaderCall.Place(new PlacementRequest("n1", "{}", "{}", "{}", DateTimeOffset.UnixEpoch))),
        ["readmit"] = new PlacementQuestion.OfLeader("eu", Leader, new LeaderCall.Readmit("n1", "a")),
        ["verdicts"] = Of(Header() with { Reserved = [new ReservationVerdict(Node, null), new ReservationVerdict(null, "full")] }),
        ["page"] = Of(Header() with { Listed = new PlacesPage([Node], ["n2"], new PlacesCursor("x", 7), IsFirst: true, IsLast: false) }),
        ["placed"] = Of(new LeaderAnswer(Leader, Placed: new PlacementOutcome.Placed("a", "best", DateTimeOffset.UnixEpoch))),
        ["deferred"] = Of(new LeaderAnswer(Leader, Placed: new PlacementOutcome.Deferred("full", TimeSpan.FromSeconds(3)))),
        ["objection"] = Of(new LeaderAnswer(Leader, Objection: "customer")),
        ["news"] = Of(new LeaderAnswer(Leader, News: new LeaderNews(
            new PolicyVersion(1, "p", "text", "ann", DateTimeOffset.UnixEpoch),
            [new OverlaySnapshot("a", OverlayState.Active, 1, 2, 3, 4, 5, "why")],
            [Plan]))),
    };

    private static OverlayReply Header() => new(new OverlayHeader(OverlayState.Isolated, "why", 3, 2), Leader);

    private static PlacementQuestion.OfOverlay Of(OverlayCall call) => new PlacementQuestion.OfOverlay("a", Leader, call);

    private static PlacementReply.OfOverlay Of(OverlayReply answer) => new PlacementReply.OfOverlay(answer);

    private static PlacementReply.OfLeader Of(LeaderAnswer answer) => new PlacementReply.OfLeader(answer);
}
