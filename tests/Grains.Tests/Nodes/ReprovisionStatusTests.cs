using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Nodes;

/// <summary>What a job is told of a node that it had enrol anew.</summary>
public sealed class ReprovisionStatusTests
{
    private const string Attempt = "4711/1 of a";

    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    private static readonly NodeState Asked = new()
    {
        Stage = NodeStage.Enrolled, Overlay = "a", ForJob = new JobReprovision(Attempt), AskedToEnrolAt = Now,
    };

    private static readonly NodeState OnItsWay = Asked.StartedOver(Now, Now, null);

    [Fact]
    public void ANode_IsUnderWay_UntilItHasArrived()
    {
        Assert.Equal(ReprovisionState.UnderWay, Of(Asked).State);
        Assert.Equal(ReprovisionState.UnderWay, Of(OnItsWay).State);
        var waiting = Of(OnItsWay.OnHold(new Hold(NodeStage.Deferred, "the CA is away", Now, null), Now));
        Assert.Equal((ReprovisionState.UnderWay, "the CA is away"), (waiting.State, waiting.Detail));

        var arrived = Of(OnItsWay.Arrived(new PendingCredentials { KeyedAt = Now }, Now, Now));
        Assert.Equal((ReprovisionState.Arrived, "a"), (arrived.State, arrived.Overlay));
    }

    [Fact]
    public void ANode_ThatIsHandedOver_HasArrived_WhenItsOwnerBeforeIsTold()
    {
        var handedOver = OnItsWay.HandedOver("b", Now);
        Assert.Equal(ReprovisionState.UnderWay, Of(handedOver).State);
        var arrived = Of(handedOver.MovedAway("b", Now));
        Assert.Equal((ReprovisionState.Arrived, "b"), (arrived.State, arrived.Overlay));
        Assert.Equal(arrived, Of(Asked.MovedAway("b", Now)));
    }

    [Fact]
    public void ANode_HasFailed_WhenItWillNotArrive()
    {
        var quarantined = OnItsWay.OnHold(new Hold(NodeStage.Quarantined, "its token is of another site", null, null), Now);
        Assert.Equal(ReprovisionStatus.Failed("its token is of another site"), Of(quarantined));
        Assert.Equal(ReprovisionStatus.Failed("it was decommissioned"), Of(OnItsWay.Decommissioned(Now, "sold")));
    }

    [Fact]
    public void ANode_ThatWasAskedInAnotherName_OrIsForgotten_WasNotAsked()
    {
        Assert.Equal(ReprovisionState.NotAsked, Of(new NodeState()).State);
        var other = ReprovisionStatus.Of(Asked, "4711/2 of a");
        Assert.Equal((ReprovisionState.NotAsked, $"it was last asked to enrol anew by {Attempt}"), (other.State, other.Detail));
    }

    [Fact]
    public void WhatAnOperatorAsksLater_TakesNothingFromTheJob()
    {
        var arrived = OnItsWay.Arrived(new PendingCredentials { KeyedAt = Now }, Now, Now);
        Assert.Equal(ReprovisionState.Arrived, Of(arrived with { AskedToEnrolAt = Now }).State);
    }

    private static ReprovisionStatus Of(NodeState state) => ReprovisionStatus.Of(state, Attempt);
}
