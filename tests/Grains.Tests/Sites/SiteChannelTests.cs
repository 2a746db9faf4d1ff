using System.Collections.Concurrent;
using System.Text;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using ControlPlane.Sites;
using ControlPlane.TestKit.Provisioning;

namespace ControlPlane.Grains.Tests.Sites;

/// <summary>What a site is asked by others goes to the grain that it is about; what it does not serve, it does not answer.</summary>
public sealed class SiteChannelTests
{
    private const string Node = "web1.example.net";

    private static readonly LeaderEpoch Leader = new("eu-1", 3);
    private static readonly DecisionStamp Decided = new(3, 4);

    private readonly ConcurrentQueue<string> asked = new();

    private readonly Dictionary<string, object> answers = new(StringComparer.Ordinal)
    {
        ["Adopt"] = Task.FromResult<string?>(null),
        ["RecordContest"] = Task.CompletedTask,
        ["LivedBefore"] = Task.FromResult(true),
        ["MoveAway"] = Task.CompletedTask,
        ["Leave"] = Task.CompletedTask,
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnAdoption_GoesToTheNode_WhenItsOverlayIsServedHere()
    {
        var adoption = new Adoption("eu-2", "eu-1", DateTimeOffset.UnixEpoch);

        Assert.Equal(new NodeReply(), await AskNodeAsync(new NodeQuestion.Adopt(Node, adoption)));
        Assert.Equal([$"Adopt of {FleetSlices.KeyOf(Node)}: {Node}, {adoption}"], asked);

        answers["Adopt"] = Task.FromResult<string?>("it was decommissioned");
        Assert.Equal(new NodeReply("it was decommissioned"), await AskNodeAsync(new NodeQuestion.Adopt(Node, adoption)));

        asked.Clear();
        Assert.NotNull((await AskNodeAsync(new NodeQuestion.Adopt(Node, adoption with { Overlay = "eu-1" }))).Refusal);
        Assert.Empty(asked);
    }

    [Fact]
    public async Task AContest_GoesToTheNode()
    {
        var contested = new ContestedAnswer("gencsr", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);

        Assert.Equal(new NodeReply(), await AskNodeAsync(new NodeQuestion.Contest(Node, contested)));
        Assert.Equal([$"RecordContest of {FleetSlices.KeyOf(Node)}: {Node}, {contested}"], asked);
    }

    /// <summary>The node's record before its place: the region asks again as long as the place is listed.</summary>
    [Fact]
    public async Task ANodeThatMoved_LosesItsRecordHere_ThenItsPlace()
    {
        Assert.Equal(new NodeReply(), await AskNodeAsync(new NodeQuestion.Moved(Node, "eu-2", "eu-1", Decided)));
        Assert.Equal(
            [$"LivedBefore of eu/eu-2: {Node}, {Decided}",
              $"MoveAway of {Node}: eu-2, eu-1", $"Leave of eu/eu-2: {Node}, {Decided}"], asked);
    }

    [Fact]
    public async Task ANodeThatCameBackByALaterDecision_KeepsWhatItHas()
    {
        answers["LivedBefore"] = Task.FromResult(false);

        Assert.Equal(new NodeReply(), await AskNodeAsync(new NodeQuestion.Moved(Node, "eu-2", "eu-1", Decided)));
        Assert.Equal([$"LivedBefore of eu/eu-2: {Node}, {Decided}"], asked);
    }

    [Fact]
    public async Task WhatIsNotServedHere_OrIsNoNode_IsNotAnswered()
    {
        await Assert.ThrowsAsync<FormatException>(() => AskNodeAsync(new NodeQuestion.Moved(Node, "eu-1", "eu-2", Decided)));
        await Assert.ThrowsAsync<FormatException>(() => AskNodeAsync(new NodeQuestion.Moved("a node.*", "eu-2", "eu-1", Decided)));
        await Assert.ThrowsAsync<FormatException>(() => AskPlacementAsync(
            new PlacementQuestion.OfOverlay("eu-1", Leader, new OverlayCall.GiveBack([]))));
        await Assert.ThrowsAsync<FormatException>(() => AskPlacementAsync(
            new PlacementQuestion.OfOverlay("none", Leader, new OverlayCall.GiveBack([]))));
        await Assert.ThrowsAsync<FormatException>(() => AskPlacementAsync(
            new PlacementQuestion.OfLeader("us", Leader, new LeaderCall.Greet(0))));
        await Assert.ThrowsAsync<FormatException>(() => NodeChannelHere().AnswerAsync(asker: null, "{}"u8.ToArray(), Cancel));
        await Assert.ThrowsAsync<FormatException>(() => PlacementChannelHere().AnswerAsync(asker: null, "{}"u8.ToArray(), Cancel));
        Assert.Empty(asked);
    }

    /// <summary>A site's key says who asks; what the question says of that must be the same.</summary>
    [Fact]
    public async Task WhoSpeaksForAnotherSite_IsNotAnswered()
    {
        answers["Answer"] = Task.FromResult(new OverlayReply(new OverlayHeader(OverlayState.Active, "why", 1, 2), Leader));
        var adopt = new NodeQuestion.Adopt(Node, new Adoption("eu-2", "eu-1", DateTimeOffset.UnixEpoch));
        var reserve = new PlacementQuestion.OfOverlay("eu-2", Leader, new OverlayCall.GiveBack([]));

        await Assert.ThrowsAsync<FormatException>(() => AskNodeAsync(adopt, "eu-3"));
        await Assert.ThrowsAsync<FormatException>(() => AskPlacementAsync(reserve, "eu-3"));
        Assert.Empty(asked);

        await AskNodeAsync(adopt, "eu-1");
        await AskPlacementAsync(reserve, "eu-1");
        Assert.Equal(2, asked.Count);
    }

    [Fact]
    public async Task Placement_IsAskedOfTheOverlayThatIsNamed_OrOfTheRegion()
    {
        var overlay = new OverlayReply(new OverlayHeader(OverlayState.Active, "why", 1, 2), Leader);
        answers["Answer"] = Task.FromResult(overlay);
        var list = new OverlayCall.List(PlacesCursor.Start);
        Assert.Equal(
            new PlacementReply.OfOverlay(overlay), await AskPlacementAsync(new PlacementQuestion.OfOverlay("eu-2", Leader, list)));

        var leader = new LeaderAnswer(Leader, Objection: "same-site");
        answers["Answer"] = Task.FromResult(leader);
        var greeting = new LeaderCall.Greet(4);
        Assert.Equal(
            new PlacementReply.OfLeader(leader), await AskPlacementAsync(new PlacementQuestion.OfLeader("eu", Leader, greeting)));

        Assert.Equal([$"Answer of eu/eu-2: {Leader}, {list}", $"Answer of eu: {Leader}, {greeting}"], asked);
    }

    /// <summary>A full page of nodes with what policies usually name fits a message, several times.</summary>
    [Fact]
    public void AFullPage_FitsAMessage()
    {
        var node = PlacedNode.New($"{new string('n', 60)}.example.net") with
        {
            Home = "europe-west-042",
            Held = new Reservation("europe-west-042", DateTimeOffset.MaxValue, Lapsed: false, "rebalance-104")
            {
                Decided = new DecisionStamp(104, long.MaxValue), IsTaken = true,
            },
            Attributes = """{"customer":"a customer of ours","service":"shop","site":"london","expected":3000,"tier":"gold"}""",
            Trace = new byte[200],
        };
        var page = new PlacesPage([.. Enumerable.Repeat(node, OverlayCall.NodesMax)], [], PlacesCursor.Start, true, false);
        var reply = SiteJson.Write<PlacementReply>(new PlacementReply.OfOverlay(
            new OverlayReply(new OverlayHeader(OverlayState.Active, "", 1, 2), Leader, Listed: page)));

        TestContext.Current.TestOutputHelper!.WriteLine($"{reply.Length / OverlayCall.NodesMax} bytes a node");
        Assert.InRange(reply.Length, 1, 512 * 1024);
        Assert.DoesNotContain("liveHold", Encoding.UTF8.GetString(reply), StringComparison.OrdinalIgnoreCase);
    }

    private NodeChannel NodeChannelHere()
    {
        var (grains, options) = (TestedGrains.Make(asked, answers), new TwoSites("eu-2"));
        return new NodeChannel(grains, new FakeNodes(), new NodeSites(grains, new NoSiteLink(), options));
    }

    private PlacementChannel PlacementChannelHere() => new(TestedGrains.Make(asked, answers), new TwoSites("eu-2"));

    private async Task<NodeReply> AskNodeAsync(NodeQuestion question, string? asker = null) =>
        SiteJson.Read<NodeReply>(await NodeChannelHere().AnswerAsync(asker, SiteJson.Write(question), Cancel));

    private async Task<PlacementReply> AskPlacementAsync(PlacementQuestion question, string? asker = null) =>
        SiteJson.Read<PlacementReply>(await PlacementChannelHere().AnswerAsync(asker, SiteJson.Write(question), Cancel));
}
