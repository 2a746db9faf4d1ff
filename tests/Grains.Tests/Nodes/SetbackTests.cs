using ControlPlane.Nodes;
using CsCheck;

namespace ControlPlane.Grains.Tests.Nodes;

public sealed class SetbackTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;
    private static readonly ProvisioningOptions Options = new() { SilentAfter = 2 };

    [Fact]
    public void Delay_GrowsToItsLimit_AndIsSpreadOverHalfOfItself() =>
        Gen.Select(Gen.Int[0, 10_000], Gen.Double[0, 1]).Sample((failures, jitter) =>
        {
            var delay = Setback.Delay(failures, Options, jitter);
            var floor = Setback.Delay(failures, Options, 0);
            return delay >= floor && delay <= floor * 1.5 && floor >= Options.RetryDelay && floor <= Options.RetryDelayMax
                && Setback.Delay(failures + 1, Options, 0) >= floor;
        });

    [Theory]
    [InlineData(0, NodeStage.Deferred)]
    [InlineData(1, NodeStage.Silent)]
    [InlineData(500, NodeStage.Silent)]
    public void OfSilence_ReportsTheNodeAsSilent_AfterTheConfiguredNumberOfCalls(int silences, NodeStage expected)
    {
        var hold = Setback.OfSilence(new NodeState { Silences = silences, Failures = 7, Faults = 9 }, "no answer", Options, Now, 0);

        Assert.Equal(expected, hold.Kind);
        Assert.NotNull(hold.Until);
    }

    [Fact]
    public void OfRefusal_WaitsOutTheLockOfSomeoneElse() =>
        Assert.Equal(
            new Hold(NodeStage.Deferred, "someone else is provisioning it: its lock is held", Now + TimeSpan.FromMinutes(2), null),
            Setback.OfRefusal(new NodeState(), NodeFault.Locked, "Could not obtain provisioning lock", Options, Now, 0));

    [Fact]
    public void OfRefusal_Quarantines_ANodeThatDoesNotTakeOurSecret() =>
        Assert.Equal(
            (NodeStage.Quarantined, Refusal.SecretMismatch),
            Kind(Setback.OfRefusal(new NodeState(), NodeFault.SecretMismatch, "Incorrect provision token supplied", Options, Now, 0)));

    [Fact]
    public void OfRefusal_Quarantines_WhenTheNodeRefusedTooOften() =>
        Assert.Equal(
            (NodeStage.Quarantined, Refusal.ConfigurationRefused),
            Kind(Setback.OfRefusal(new NodeState { Failures = Options.FailuresMax - 1 }, NodeFault.Other, "disk full", Options, Now, 0)));

    [Fact]
    public void OfPlane_NeverQuarantines_AndWaitsNoLongerThanAMinuteAndAHalf() =>
        Gen.Select(Gen.Int[0, 10_000], Gen.Double[0, 1]).Sample((faults, jitter) =>
        {
            var hold = Setback.OfPlane(new NodeState { Faults = faults, Failures = 99 }, "502", Options, Now, jitter);
            return hold is { Kind: NodeStage.Deferred, Blame: Blame.Plane }
                && hold.Until > Now && hold.Until <= Now + TimeSpan.FromSeconds(90);
        });

    [Fact]
    public void OnHold_CountsWhatTheNodeDid_AndNothingElse_TowardsItsQuarantine()
    {
        var state = new NodeState { Stage = NodeStage.Keyed };
        for (var time = 0; time < 100; time++)
        {
            state = state.OnHold(Setback.OfSilence(state, "no answer", Options, Now, 0), Now)
                .OnHold(Setback.OfPlane(state, "Redis is away", Options, Now, 0), Now)
                .OnHold(Setback.OfRefusal(state, NodeFault.Locked, "Could not obtain provisioning lock", Options, Now, 0), Now)
                .OnHold(Setback.Deferred("the CA is busy", Now), Now);
        }

        Assert.Equal((0, 100, 100), (state.Failures, state.Silences, state.Faults));
        Assert.Equal(NodeStage.Deferred, Setback.OfRefusal(state, NodeFault.Other, "disk full", Options, Now, 0).Kind);
    }

    [Fact]
    public void Spent_IsNoAttemptOfTheNode()
    {
        var keyed = new NodeState { Stage = NodeStage.Keyed, Attempt = 1, Begun = [Now.AddMinutes(-5), Now] };

        var spent = keyed.Spent(Setback.OfPlane(keyed, "lost", Options, Now, 0), Now);

        Assert.Equal((NodeStage.Discovered, 0, 1, 1), (spent.Stage, spent.Failures, spent.Faults, spent.Attempt));
        Assert.Equal([Now.AddMinutes(-5)], spent.Begun);
    }

    private static (NodeStage, Refusal?) Kind(Hold hold) => (hold.Kind, hold.Refusal);
}
