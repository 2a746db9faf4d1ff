
using ControlPlane.Enrolment;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Nodes;

public sealed class EnrolmentTests
{
    private const string Overlay = "eu-w-001";
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly ProvisioningOptions Options = new();
    private static readonly NodeNews Silence = new();

    private static readonly NodeState Certified = new()
    {
        Stage = NodeStage.Certified,
        Attempt = 1,
        Overlay = Overlay,
        WaitingSince = Start,
        ReachedAt = Start.AddSeconds(1),
        Pending = new PendingCredentials { KeyedAt = Start.AddSeconds(2), Order = new OrderReference("local", "web1/1") },
    };

    private static readonly NodeState Enrolled = Certified.Arrived(Certified.Pending!, Start.AddSeconds(9), Start.AddSeconds(9));

    [Fact]
    public void Next_DoesNothing_ForANodeNeverHeardOf() =>
        Assert.Equal(new EnrolmentStep.Nothing(null), Next(new NodeState(), Silence));

    [Fact]
    public void Next_StartsOver_WhenANewNodeStartedInProvisioningMode() =>
        Assert.Equal(new EnrolmentStep.StartOver(Start, null), Next(new NodeState(), new NodeNews(StartedAt: Start)));

    [Fact]
    public void Next_ForgetsANameThatShowsNoToken_AfterAWhile_AndNoNodeThatMadeKeys()
    {
        var silent = new NodeState { Stage = NodeStage.Discovered, WaitingSince = Start }
            .OnHold(new Hold(NodeStage.Silent, "no answer", Start.AddHours(2), null), Start);
        var refused = silent with { Hold = Setback.Quarantine(Refusal.TokenUntrusted, "forged") };
        var unplaceable = silent with { Hold = Setback.Quarantine(Refusal.Unplaceable, "full") };
        var end = Start + Options.NewcomerLifetime;

        Assert.Equal(new EnrolmentStep.Nothing(end), Next(silent, Silence, Start));
        Assert.Equal(new EnrolmentStep.Nothing(end), Next(refused, Silence, Start));
        Assert.IsType<EnrolmentStep.Forget>(Next(silent, Silence, end));
        Assert.IsType<EnrolmentStep.Forget>(Next(refused, Silence, end));
        Assert.IsType<EnrolmentStep.Nothing>(Next(unplaceable, Silence, end));
        Assert.IsType<EnrolmentStep.Nothing>(Next(silent with { Attempt = 1 }, Silence, end));
    }

    [Fact]
    public void Next_StartsOver_WhenANewNodeAnsweredASweep() =>
        Assert.Equal(new EnrolmentStep.StartOver(Start, null), Next(new NodeState(), new NodeNews(SightedAt: Start)));

    [Fact]
    public void Next_RevokesThenFreesThePlace_OfADecommissionedNode_AndHearsNothingOfItAnyMore()
    {
        var reached = Start.AddHours(1);
        var gone = Enrolled.Decommissioned(reached, "by ann: scrapped");
        var news = new NodeNews(reached.AddMinutes(1), reached.AddMinutes(1), new Arrival(Overlay, reached.AddMinutes(1)));

        Assert.Equal([new OrderReference("local", "web1/1")], gone.Superseded);
        Assert.IsType<EnrolmentStep.CloseSuperseded>(Next(gone, news, reached));
        var closed = gone with { Superseded = [] };
        Assert.IsType<EnrolmentStep.FreePlace>(Next(closed, news, reached));
        Assert.Equal(
            new EnrolmentStep.Nothing(reached.AddMinutes(5)), Next(closed with { PlaceFreedDue = reached.AddMinutes(5) }, news, reached));
        Assert.Equal(new EnrolmentStep.Nothing(null), Next(closed with { PlaceFreedDue = null }, news, reached));
    }

    [Fact]
    public void Decommissioned_SupersedesWhatIsOnItsWay_TooWhileANodeEnrolsAnew()
    {
        var anew = Enrolled with
        {
            Stage = NodeStage.Keyed, Pending = new PendingCredentials { KeyedAt = Start, Order = new OrderReference("local", "web1/2") },
        };

        var gone = anew.Decommissioned(Start, "by ann: scrapped");

        Assert.Equal([new OrderReference("local", "web1/2"), new OrderReference("local", "web1/1")], gone.Superseded);
        Assert.Equal((NodeStage.Gone, null, null), (gone.Stage, gone.Pending, gone.Held));
    }

    [Fact]
    public void Decommissioned_SaysForHowLongTheServerTokenIsStillValid()
    {
        var end = Start.AddDays(30);
        var held = Enrolled with { Held = Enrolled.Held! with { ServerTokenExpiresAt = end } };

        Assert.Equal(
            $"by ann: scrapped; its server token is valid until {end:u}",
            held.Decommissioned(Start, "by ann: scrapped").History[^1].Detail);
        Assert.Equal("by ann: scrapped", held.Decommissioned(end, "by ann: scrapped").History[^1].Detail);

        var renewed = (held with { Held = held.Held! with { Ed25519PublicKey = "former" }, Pending = Certified.Pending })
            .Arrived(Certified.Pending!, Start.AddDays(20), Start.AddDays(20));
        Assert.Equal(
            $"by ann: scrapped; its superseded server token of the key former is valid until {end:u}",
            renewed.Decommissioned(Start.AddDays(21), "by ann: scrapped").History[^1].Detail);
        Assert.Equal("by ann: scrapped", Enrolled.Decommissioned(Start, "by ann: scrapped").History[^1].Detail);
    }

    [Theory]
    [InlineData(NodeStage.Discovered, typeof(EnrolmentStep.Attest))]
    [InlineData(NodeStage.Attested, typeof(EnrolmentStep.Inspect))]
    [InlineData(NodeStage.Inspected, typeof(EnrolmentStep.Place))]
    [InlineData(NodeStage.Placed, typeof(EnrolmentStep.MakeKeys))]
    [InlineData(NodeStage.Keyed, typeof(EnrolmentStep.Compose))]
    [InlineData(NodeStage.Certified, typeof(EnrolmentStep.Configure))]
    [InlineData(NodeStage.Configured, typeof(EnrolmentStep.Restart))]
    public void Next_TakesTheStepAfterTheStage(NodeStage stage, Type step) =>
        Assert.IsType(step, Next(Certified with { Stage = stage }, new NodeNews(StartedAt: Start)));

    [Fact]
    public void Next_Certifies_WhenItIsDecidedWhatTheNodeIsGiven() => Assert.IsType<EnrolmentStep.Certify>(Next(
        Certified with { Stage = NodeStage.Keyed, Pending = Certified.Pending! with { Draft = NodeDraft.Empty } },
        new NodeNews(StartedAt: Start)));

    [Fact]
    public void Next_WaitsForTheArrival_UntilItsDeadline()
    {
        var restarted = Certified with { Stage = NodeStage.Restarted, ArrivalDue = Start.AddMinutes(2) };

        Assert.Equal(new EnrolmentStep.Nothing(Start.AddMinutes(2)), Next(restarted, Silence, Start.AddMinutes(1)));
        Assert.IsType<EnrolmentStep.LookFor>(Next(restarted, Silence, Start.AddMinutes(2)));
    }

    [Theory]
    [InlineData(Overlay, 10, true)]
    [InlineData(Overlay, 1, false)]
    [InlineData("eu-w-002", 10, false)]
    public void Next_LeavesANodeEnrolled_ThatIsHeardInItsOverlay_AfterItWasThoughtToHaveFallenBack(string overlay, int seconds, bool stays)
    {
        var fallen = Start.AddMinutes(5);
        var silent = Enrolled.StartedOver(fallen, fallen, null).OnHold(
            new Hold(NodeStage.Silent, "no answer", fallen.AddHours(1), null), fallen);
        var news = new NodeNews(SightedAt: fallen, Arrival: new Arrival(overlay, fallen.AddSeconds(seconds)));

        Assert.Equal(stays, Next(silent, news, fallen.AddMinutes(1)) is EnrolmentStep.Stay);
    }

    [Fact]
    public void Contested_LeavesTheNodeAsItWas_AndOneLine_HoweverOftenItsNewsIsForged()
    {
        var state = Enrolled;
        for (var minute = 1; minute < 100; minute++)
        {
            var forged = Start.AddMinutes(minute);
            state = state.StartedOver(forged, forged, null).Contested(forged.AddSeconds(1), "somebody else asks");
        }

        Assert.Equal(Enrolled.History.Count + 1, state.History.Count);
        Assert.Equal((NodeStage.Enrolled, Enrolled.Held, Overlay, null), (state.Stage, state.Held, state.Overlay, state.Pending));
        Assert.Empty(state.Superseded);
        Assert.Equal(new EnrolmentStep.Nothing(null), Next(state, new NodeNews(StartedAt: Start.AddMinutes(99)), Start.AddHours(2)));
    }

    [Fact]
    public void Contested_SupersedesWhatWasMadeForTheNewcomer_AndBringsTheNodeBackToItsOverlay()
    {
        var keyed = Enrolled with
        {
            Stage = NodeStage.Restarted,
            Overlay = "eu-w-002",
            Pending = new PendingCredentials { KeyedAt = Start, Order = new OrderReference("local", "web1/2") },
        };

        var contested = keyed.Contested(Start.AddMinutes(9), "somebody else asks");

        Assert.Equal([new OrderReference("local", "web1/2")], contested.Superseded);
        Assert.Equal((Overlay, null), (contested.Overlay, contested.Pending));
    }

    [Theory]
    [InlineData("aa", "AA", true)]
    [InlineData("aa", "bb", false)]
    [InlineData("aa", null, true)]
    [InlineData(null, "bb", true)]
    public void IsBy_TellsTheNodesOwnKeyFromAnothers(string? held, string? signedBy, bool isShown)
    {
        Assert.Equal(isShown, new OverlayAnswer(signedBy).IsBy(held));
    }

    [Fact]
    public void Next_DoesNotLeaveANodeEnrolled_WhoseNewKeysWereMade()
    {
        var again = Certified with { Held = Enrolled.Held, WaitingSince = Start };

        Assert.IsType<EnrolmentStep.Arrive>(Next(again, new NodeNews(Arrival: new Arrival(Overlay, Start.AddMinutes(1)))));
    }

    [Fact]
    public void Next_LooksAgain_ForANodeThatAnsweredNowhere_WhenItsHoldIsOver()
    {
        var hold = new Hold(NodeStage.Silent, "no answer", Start.AddMinutes(5), null);
        var silent = (Certified with { Stage = NodeStage.Restarted, ArrivalDue = Start.AddMinutes(2) }).OnHold(hold, Start.AddMinutes(3));

        Assert.Equal(new EnrolmentStep.Nothing(hold.Until), Next(silent, Silence, Start.AddMinutes(4)));
        Assert.IsType<EnrolmentStep.LookFor>(Next(silent, Silence, Start.AddMinutes(5)));
    }

    [Theory]
    [InlineData(NodeStage.Certified)]
    [InlineData(NodeStage.Configured)]
    [InlineData(NodeStage.Restarted)]
    public void Next_TakesAnySignOfLifeFromTheOverlayAsTheArrival_AfterCertification(NodeStage stage) =>
        Assert.Equal(
            new EnrolmentStep.Arrive(Start.AddSeconds(5)),
            Next(Certified with { Stage = stage }, new NodeNews(Arrival: new Arrival(Overlay, Start.AddSeconds(5)))));

    [Fact]
    public void Next_TakesTheArrival_ThoughTheNodeWasThoughtSilent() =>
        Assert.IsType<EnrolmentStep.Arrive>(Next(
            Certified.OnHold(new Hold(NodeStage.Silent, "no answer", Start.AddHours(1), null), Start),
            new NodeNews(Arrival: new Arrival(Overlay, Start.AddSeconds(5)))));

    [Theory]
    [InlineData("eu-w-002", 5)]
    [InlineData(Overlay, -60)]
    public void Next_IgnoresAnArrival_OnAnotherOverlayOrOfAFormerLife(string overlay, int seconds) =>
        Assert.IsNotType<EnrolmentStep.Arrive>(Next(Certified, new NodeNews(Arrival: new Arrival(overlay, Start.AddSeconds(seconds)))));

    [Theory]
    [InlineData(NodeStage.Discovered)]
    [InlineData(NodeStage.Keyed)]
    [InlineData(NodeStage.Restarted)]
    public void Next_StartsOver_WhenTheNodeStartedAnewInTheMiddle(NodeStage stage) =>
        Assert.IsType<EnrolmentStep.StartOver>(Next(Certified with { Stage = stage }, new NodeNews(StartedAt: Start.AddSeconds(30))));

    [Fact]
    public void Next_IgnoresTheStartThatTheEnrolmentBeganWith_WhenItIsDeliveredAgain() =>
        Assert.IsType<EnrolmentStep.Configure>(Next(Certified, new NodeNews(StartedAt: Start)));

    [Fact]
    public void Next_IgnoresASighting_WhileAnEnrolmentRuns() =>
        Assert.IsType<EnrolmentStep.Configure>(Next(Certified, new NodeNews(SightedAt: Start.AddSeconds(30))));

    [Fact]
    public void Next_IgnoresNewsOfBeforeTheArrival() =>
        Assert.Equal(
            new EnrolmentStep.Nothing(null),
            Next(Enrolled, new NodeNews(StartedAt: Start, SightedAt: Start.AddSeconds(8))));

    [Fact]
    public void Next_StartsOver_WhenAnEnrolledNodeIsInProvisioningModeAgain() =>
        Assert.IsType<EnrolmentStep.StartOver>(Next(Enrolled, new NodeNews(SightedAt: Start.AddMinutes(1))));

    [Fact]
    public void Next_ClosesTheSupersededOrder_BeforeTheNodeIsAskedForAnotherKey()
    {
        var again = Certified.StartedOver(Start.AddSeconds(30), Start.AddSeconds(30), null);

        Assert.Equal([new OrderReference("local", "web1/1")], again.Superseded);
        Assert.IsType<EnrolmentStep.CloseSuperseded>(Next(again, new NodeNews(StartedAt: Start.AddSeconds(30))));
    }

    [Fact]
    public void Next_RevokesThePreviousCertificate_OnlyAfterTheArrival()
    {
        var again = Enrolled.StartedOver(Start.AddMinutes(5), Start.AddMinutes(5), null);
        Assert.Empty(again.Superseded);

        var pending = new PendingCredentials { KeyedAt = Start.AddMinutes(6), Order = new OrderReference("local", "web1/2") };
        var arrived = (again with { Pending = pending, Attempt = 2 }).Arrived(pending, Start.AddMinutes(7), Start.AddMinutes(7));
        Assert.Equal([new OrderReference("local", "web1/1")], arrived.Superseded);
        Assert.IsType<EnrolmentStep.CloseSuperseded>(Next(arrived, Silence, Start.AddMinutes(7)));
    }

    [Fact]
    public void Next_WaitsOutAHold_AndThenGoesOnWhereItStopped()
    {
        var held = (Certified with { Stage = NodeStage.Keyed }).OnHold(Setback.Deferred("the CA is busy", Start.AddMinutes(1)), Start);

        Assert.Equal(new EnrolmentStep.Nothing(Start.AddMinutes(1)), Next(held, Silence, Start.AddSeconds(59)));
        Assert.IsType<EnrolmentStep.Compose>(Next(held, Silence, Start.AddMinutes(1)));
    }

    [Fact]
    public void Next_LeavesAQuarantinedNodeAlone_UntilItStartsAnew()
    {
        var refused = (Certified with { Stage = NodeStage.Placed, Pending = null })
            .OnHold(Setback.Quarantine(Refusal.TokenExpired, "expired"), Start);

        Assert.Equal(new EnrolmentStep.Nothing(null), Next(refused, new NodeNews(SightedAt: Start.AddHours(1)), Start.AddHours(1)));
        Assert.IsType<EnrolmentStep.StartOver>(Next(refused, new NodeNews(StartedAt: Start.AddHours(1)), Start.AddHours(1)));
    }

    // After an outage of the brokers a whole fleet is held for its silence, each node for longer than the outage was.
    [Theory]
    [InlineData(NodeStage.Discovered)]
    [InlineData(NodeStage.Restarted)]
    public void Next_BeginsAnew_WithANodeThatWasHeldForSilence_AndAnswersASweep_AsIfItHadNeverFailed(NodeStage stage)
    {
        var silent = Certified with { Stage = stage, Pending = stage == NodeStage.Discovered ? null : Certified.Pending };
        foreach (var minute in Enumerable.Range(1, 5))
        {
            silent = silent.OnHold(Setback.OfSilence(silent, "no answer", Options, Start.AddMinutes(minute), 0), Start.AddMinutes(minute));
        }

        Assert.True(silent.Hold!.Until > Start.AddMinutes(6));
        Assert.IsNotType<EnrolmentStep.StartOver>(Next(silent, new NodeNews(SightedAt: Start.AddMinutes(5)), Start.AddMinutes(6)));

        var back = Assert.IsType<EnrolmentStep.StartOver>(Next(silent, new NodeNews(SightedAt: Start.AddMinutes(6)), Start.AddMinutes(6)));
        var anew = silent.StartedOver(back.WaitingSince, Start.AddMinutes(6), back.Detail);
        Assert.Equal((0, 0, 0), (anew.Silences, anew.Failures, anew.Faults));
        Assert.IsType<EnrolmentStep.StartOver>(Next(silent, new NodeNews(StartedAt: Start.AddMinutes(6)), Start.AddMinutes(6)));
    }

    [Fact]
    public void Next_Quarantines_ANodeThatAskedForKeysTooOftenWithinAnHour()
    {
        var restless = Certified with { Stage = NodeStage.Placed, Begun = [.. Enumerable.Repeat(Start, Options.EnrolmentsPerHourMax)] };

        Assert.Equal(
            Refusal.TooManyAttempts, Assert.IsType<EnrolmentStep.Quarantine>(Next(restless, Silence, Start.AddMinutes(59))).Refusal);
        Assert.IsType<EnrolmentStep.MakeKeys>(Next(restless, Silence, Start.AddMinutes(60)));
    }

    [Fact]
    public void OnHold_ForgetsWhatCanBeLearntAgain_AndKeepsWhatCannot()
    {
        var hold = Setback.Deferred("later", Start.AddMinutes(1));

        Assert.Equal(NodeStage.Discovered, (Certified with { Stage = NodeStage.Placed }).OnHold(hold, Start).Stage);
        Assert.Equal(NodeStage.Keyed, (Certified with { Stage = NodeStage.Keyed }).OnHold(hold, Start).Stage);
    }

    [Fact]
    public void History_SaysTheSameOnlyOnce_AndStaysBounded()
    {
        var state = new NodeState();
        for (var hour = 0; hour < 200; hour++)
        {
            state = state.OnHold(Setback.Deferred("no answer", Start.AddHours(hour)), Start.AddHours(hour));
        }

        Assert.Equal(new NodeStep(NodeStage.Deferred, Start.AddHours(199), 0, "no answer"), Assert.Single(state.History));

        for (var attempt = 0; attempt < 200; attempt++)
        {
            state = (state with { Attempt = attempt }).Reached(NodeStage.Keyed, Start);
        }

        Assert.Equal(NodeState.HistoryMax, state.History.Count);
    }

    private static EnrolmentStep Next(NodeState state, NodeNews news, DateTimeOffset? now = null) =>
        EnrolmentDecision.Next(state, news, Options, EnrolmentControls.Open, now ?? Start.AddSeconds(10));
}
