
using ControlPlane.Enrolment;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Nodes;

/// <summary>One request to a node got two different answers.</summary>
public sealed class ContestedAnswerTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly DateTimeOffset Asked = Start.AddSeconds(2);
    private static readonly OrderReference Order = new("local", "web1/1");
    private static readonly ProvisioningOptions Options = new();

    private static readonly NodeState Restarted = new()
    {
        Stage = NodeStage.Restarted,
        Attempt = 1,
        Overlay = "eu-w-001",
        WaitingSince = Start,
        ReachedAt = Start.AddSeconds(1),
        ArrivalDue = Start.AddMinutes(2),
        Pending = new PendingCredentials { KeyedAt = Asked, Order = Order, ServerTokenExpiresAt = Start.AddDays(30) },
    };

    private static readonly NodeState Arrived = Restarted.Arrived(Restarted.Pending!, Start.AddSeconds(5), Start.AddSeconds(5));

    [Theory]
    [InlineData(NodeStage.Discovered)]
    [InlineData(NodeStage.Keyed)]
    [InlineData(NodeStage.Certified)]
    [InlineData(NodeStage.Restarted)]
    public void Next_WithdrawsWhatWasMade_HoweverLateTheSecondAnswerIs_BeforeTheArrival(NodeStage stage) =>
        Assert.IsType<EnrolmentStep.Withdraw>(Next(Restarted with { Stage = stage }, Late(TimeSpan.FromMinutes(1))));

    [Fact]
    public void Next_Withdraws_WhenAnArrivalIsHeardTogetherWithTheSecondAnswer()
    {
        var news = Late(TimeSpan.FromSeconds(4)) with { Arrival = new Arrival("eu-w-001", Start.AddSeconds(5)) };

        Assert.IsType<EnrolmentStep.Withdraw>(Next(Restarted, news));
    }

    [Fact]
    public void Next_WithdrawsFromWhoArrived_WhatANodeAnswersThatNeededItsTime() =>
        Assert.IsType<EnrolmentStep.Withdraw>(Next(Arrived, Late(TimeSpan.FromSeconds(20))));

    [Fact]
    public void Next_LeavesALivingNodeAlone_WhateverIsSaidLaterInItsName()
    {
        Assert.IsType<EnrolmentStep.Nothing>(Next(Arrived, Late(TimeSpan.FromSeconds(23))));
        var asked = Arrived.Held!.ArrivedAt.AddSeconds(1);
        Assert.IsType<EnrolmentStep.Nothing>(Next(Arrived, new NodeNews(Contested: new ContestedAnswer("jwt", asked, asked))));
    }

    [Fact]
    public void Next_DropsAContestOfAnEnrolmentBefore_AndOfWhoWasNeverHeardOf()
    {
        var before = new NodeNews(Contested: new ContestedAnswer("gencsr", Start.AddSeconds(-3), Start.AddSeconds(3)));

        Assert.IsType<EnrolmentStep.Nothing>(Next(Restarted, before));
        Assert.IsType<EnrolmentStep.Nothing>(Next(new NodeState(), Late(TimeSpan.Zero)));
    }

    [Fact]
    public void Withdrawn_SupersedesTheOrder_AndSaysHowLongATokenThatWasGivenOutIsValid()
    {
        var contested = Restarted.Withdrawn("two machines answer for it", Start.AddSeconds(3));

        Assert.Equal([Order], contested.Superseded);
        Assert.Equal((NodeStage.Discovered, null), (contested.Stage, contested.Pending));
        Assert.Equal((NodeStage.Quarantined, Refusal.Contested), (contested.Hold?.Kind, contested.Hold?.Refusal));
        Assert.Contains($"valid until {Start.AddDays(30):u}", contested.Hold?.Reason, StringComparison.Ordinal);
        Assert.IsType<EnrolmentStep.CloseSuperseded>(Next(contested, new NodeNews()));
    }

    [Fact]
    public void Withdrawn_TakesBackWhatAnArrivalBrought_AndKeepsWhatANodeHeldBefore()
    {
        var contested = Arrived.Withdrawn("contested", Start);
        Assert.Equal([Order], contested.Superseded);
        Assert.Null(contested.Held);

        contested = Arrived.StartedOver(Start.AddDays(1), Start.AddDays(1), null).Withdrawn("contested", Start);
        Assert.Empty(contested.Superseded);
        Assert.Equal(Arrived.Held, contested.Held);
    }

    [Fact]
    public void Next_WaitsForOthersAnswers_BeforeItGivesAnythingOut()
    {
        var certified = Restarted with { Stage = NodeStage.Certified };

        Assert.Equal(
            new EnrolmentStep.Wait(Asked + Options.ContestWindow),
            Next(certified, new NodeNews(), Asked.AddMilliseconds(100)));
        Assert.IsType<EnrolmentStep.Configure>(Next(certified, new NodeNews(), Asked + Options.ContestWindow));
    }

    private static NodeNews Late(TimeSpan wait) => new(Contested: new ContestedAnswer("gencsr", Asked, Asked + wait));

    private static EnrolmentStep Next(NodeState state, NodeNews news, DateTimeOffset? now = null) =>
        EnrolmentDecision.Next(state, news, Options, EnrolmentControls.Open, now ?? Start.AddMinutes(1));
}
