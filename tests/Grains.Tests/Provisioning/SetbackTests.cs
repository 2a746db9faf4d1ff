using ControlPlane.Provisioning;
using CsCheck;

namespace ControlPlane.Grains.Tests.Provisioning;

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
    public void OfSilence_ReportsTheNodeAsSilent_AfterTheConfiguredNumberOfCalls(int failures, NodeStage expected)
    {
        var hold = Setback.OfSilence(new NodeState { Failures = failures }, "no answer", Options, Now, 0);

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

    private static (NodeStage, Refusal?) Kind(Hold hold) => (hold.Kind, hold.Refusal);
}
