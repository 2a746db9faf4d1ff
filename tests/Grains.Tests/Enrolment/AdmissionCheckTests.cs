using ControlPlane.Enrolment;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Enrolment;

public sealed class AdmissionCheckTests
{
    private const string Overlay = "eu-1";
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly EnrolmentStop Pause = new("ann", "the CA is moved", Now);
    private static readonly EnrolmentStop Brake = new("the control plane", "60 of its 100 nodes fell", Now);
    private static readonly NodeState New = new() { Stage = NodeStage.Discovered, WaitingSince = Now };

    private static readonly NodeState Fallen = New with
    {
        Overlay = Overlay,
        Held = new HeldCredentials(null, null, null, null, Now.AddDays(-1)),
    };

    [Fact]
    public void Next_AsksANodeNothing_WhileAllOverlaysArePaused()
    {
        var park = Assert.IsType<EnrolmentStep.Park>(Next(New, Control(1) with { Pause = Pause }));

        Assert.Equal("enrolment in overlay eu-1 is paused by ann: the CA is moved", park.Hold.Reason);
        Assert.Equal((NodeStage.Deferred, Now + AdmissionCheck.Recheck), (park.Hold.Kind, park.Hold.Until));
        Assert.Equal(new ControlMark(ControlMark.AnyOverlay, 1), park.Hold.WaitsFor);
    }

    [Fact]
    public void Next_AsksANewNode_WhileOneOverlayIsOpen() =>
        Assert.IsType<EnrolmentStep.Attest>(Next(New, Control(1) with { Pause = Pause }, new EnrolmentControl("eu-2")));

    [Fact]
    public void Next_HoldsANode_ThatWasPlacedWhereEnrolmentIsPaused() =>
        Assert.Equal(
            new ControlMark(Overlay, 3),
            Assert.IsType<EnrolmentStep.Park>(
                Next(Placed, Control(3) with { Pause = Pause }, new EnrolmentControl("eu-2"))).Hold.WaitsFor);

    [Fact]
    public void Next_FinishesWhatHasKeys_ThoughEnrolmentIsPaused()
    {
        var keyed = Placed with { Stage = NodeStage.Keyed, Pending = new PendingCredentials { KeyedAt = Now, Draft = NodeDraft.Empty } };

        Assert.IsType<EnrolmentStep.Certify>(Next(keyed, Control(1) with { Pause = Pause }));
    }

    [Fact]
    public void Next_GoesOn_OnceTheControlHasChanged_AndNotBefore()
    {
        var paused = Control(1) with { Pause = Pause };
        var parked = New.OnHold(Assert.IsType<EnrolmentStep.Park>(Next(New, paused)).Hold, Now);
        Assert.Equal(new EnrolmentStep.Nothing(Now + AdmissionCheck.Recheck), Next(parked, paused));

        Assert.IsType<EnrolmentStep.Attest>(Next(parked, Control(2)));
    }

    [Fact]
    public void Next_HoldsAgain_WithoutAskingTheNode_WhenTheControlChangedAndIsStillClosed()
    {
        var other = new EnrolmentControl("eu-2");
        var parked = Placed.OnHold(Assert.IsType<EnrolmentStep.Park>(Next(Placed, Control(1) with { Pause = Pause }, other)).Hold, Now);

        var again = Assert.IsType<EnrolmentStep.Park>(Next(parked, Control(2) with { Pause = Pause with { Reason = "still" } }, other));
        Assert.EndsWith("still", again.Hold.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Next_AsksThePlacementAgain_WhenANodeWasHeldForAnHour()
    {
        var other = new EnrolmentControl("eu-2");
        var paused = Control(1) with { Pause = Pause };
        var parked = Placed.OnHold(Assert.IsType<EnrolmentStep.Park>(Next(Placed, paused, other)).Hold, Now - AdmissionCheck.Recheck);

        Assert.IsType<EnrolmentStep.Attest>(Next(parked with { Hold = parked.Hold! with { Until = Now } }, paused, other));
    }

    [Fact]
    public void Next_Brakes_WhoFellOutOfTheOverlay() =>
        Assert.Contains(
            "60 of its 100 nodes fell", Assert.IsType<EnrolmentStep.Park>(Next(Fallen, Control(1) with { Brake = Brake })).Hold.Reason);

    [Fact]
    public void Next_HasAFallenNodeWaitForItsKeys_WhileItIsFoundOutHowManyFell()
    {
        var checking = Control(1) with { AreFallsChecked = true };
        var attested = Fallen with { Stage = NodeStage.Attested };

        var park = Assert.IsType<EnrolmentStep.Park>(Next(attested, checking));
        Assert.Equal((NodeStage.Deferred, Now.AddSeconds(30)), (park.Hold.Kind, park.Hold.Until));
        Assert.IsType<EnrolmentStep.Attest>(Next(Fallen, checking));
        Assert.IsType<EnrolmentStep.Inspect>(Next(attested with { WaitingSince = Now.AddSeconds(-30) }, checking));
        Assert.IsType<EnrolmentStep.Inspect>(Next(attested with { AskedToEnrolAt = Now.AddMinutes(-1) }, checking));
        Assert.IsType<EnrolmentStep.Inspect>(Next(New with { Stage = NodeStage.Attested }, checking));
        Assert.IsType<EnrolmentStep.Inspect>(Next(attested, Control(1)));
    }

    [Fact]
    public void Next_BrakesEverybody_AlsoWhoHasKeys_WhenConfiguredNodesDoNotArrive()
    {
        var braked = Control(1) with { Brake = Brake with { Reason = "8 nodes are missing" }, BrakesAll = true };
        var pending = new PendingCredentials { KeyedAt = Now, Draft = NodeDraft.Empty };

        NodeState[] all =
        [
            New, Fallen, Placed, Placed with { Stage = NodeStage.Keyed, Pending = pending },
            Placed with { Stage = NodeStage.Certified, Pending = pending },
        ];
        Assert.All(all, state => Assert.Equal(
            "enrolment in overlay eu-1 waits for an operator to release the brake: 8 nodes are missing",
            Assert.IsType<EnrolmentStep.Park>(Next(state, braked)).Hold.Reason));

        // It is told already: there is no way back.
        Assert.IsType<EnrolmentStep.Restart>(Next(Placed with { Stage = NodeStage.Configured, Pending = pending }, braked));
    }

    [Fact]
    public void Next_DoesNotBrake_ANewNode_NorOneThatWasAskedToEnrolAnew()
    {
        var braked = Control(1) with { Brake = Brake };

        Assert.IsType<EnrolmentStep.Attest>(Next(New, braked));
        Assert.IsType<EnrolmentStep.Attest>(Next(Fallen with { AskedToEnrolAt = Now.AddMinutes(-1) }, braked));
        Assert.IsType<EnrolmentStep.Park>(Next(Fallen with { AskedToEnrolAt = Now.AddHours(-2) }, braked));
    }

    [Fact]
    public void Next_AsksForATurn_WhereTheRateIsLimited_AndUsesItOnce()
    {
        var limited = Control(5) with { Limit = new EnrolmentLimit(10, "ann", "slowly", Now) };
        Assert.IsType<EnrolmentStep.ReserveSlot>(Next(Placed, limited));

        var mine = Placed with { Turn = new EnrolmentSlot(new ControlMark(Overlay, 5), Now) };
        Assert.IsType<EnrolmentStep.MakeKeys>(Next(mine, limited));
        Assert.IsType<EnrolmentStep.ReserveSlot>(Next(mine with { Turn = mine.Turn! with { At = Now.AddMinutes(1) } }, limited));
        Assert.Equal(
            new EnrolmentStep.Wait(Now.AddSeconds(2)), Next(mine with { Turn = mine.Turn! with { At = Now.AddSeconds(2) } }, limited));
        Assert.IsType<EnrolmentStep.ReserveSlot>(Next(mine with { Turn = mine.Turn! with { At = Now.AddHours(-1) } }, limited));
        Assert.IsType<EnrolmentStep.ReserveSlot>(Next(mine, limited with { Version = 6 }));
        Assert.IsType<EnrolmentStep.ReserveSlot>(Next(mine with { Turn = new EnrolmentSlot(new ControlMark("eu-2", 5), Now) }, limited));
    }

    [Fact]
    public void Next_LetsNoNodeRenew_WhileItCouldNotComeBack()
    {
        var ending = Fallen with
        {
            Stage = NodeStage.Enrolled,
            Held = new HeldCredentials(null, null, "key", Now.AddHours(1), Now.AddDays(-30)),
        };

        Assert.IsType<EnrolmentStep.Renew>(Next(ending, Control(1)));
        Assert.True(Assert.IsType<EnrolmentStep.Nothing>(Next(ending, Control(1) with { Pause = Pause })).Due > Now);
        Assert.True(Assert.IsType<EnrolmentStep.Nothing>(Next(ending, Control(1) with { Brake = Brake })).Due > Now);
    }

    [Fact]
    public void Parked_CountsAsNoFailureOfTheNode()
    {
        var parked = (Placed with { Failures = 1 }).OnHold(Setback.Deferred("paused", Now), Now);

        Assert.Equal((1, NodeStage.Discovered), (parked.Failures, parked.Stage));
    }

    private static NodeState Placed => New with { Stage = NodeStage.Placed, Overlay = Overlay };

    private static EnrolmentControl Control(long version) => new(Overlay, version);

    private static EnrolmentStep Next(NodeState state, params EnrolmentControl[] controls) =>
        EnrolmentDecision.Next(state, new NodeNews(), new ProvisioningOptions(), new EnrolmentControls(controls), Now);
}
