using ControlPlane.Placement;
using CsCheck;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>Small cases against a solver that tries everything.</summary>
public sealed class BruteForceTests
{
    private static readonly Gen<PolicySketch> Policies = PolicySketch.Gen.Select(policy =>
        policy.HasQuarantine ? policy with { Unplaceable = 0 } : policy);

    [Fact]
    public void Decide_LetsANodeIn_ExactlyWhereTheRegionWithItIsLawful() =>
        Gen.Select(Policies, RegionSketch.Gen).Sample((policy, sketch) =>
        {
            var isSettled = true;
            var after = sketch.Live(policy.Read(), (region, step) =>
            {
                var law = new PlainLaw(policy, region);
                law.AssertLawful(isSettled);
                var known = region.Ledger.Node(step.Identity);
                var isSame = known is null || known.Attributes == step.Attributes;
                isSettled &= isSame;
                var decision = region.Decide(step.Identity, step.Attributes);
                foreach (var considered in decision.Considered)
                {
                    // A node that changes its group where it is may be sent away for what it leaves behind.
                    var mayTake = law.MayTake(step.Identity, step.Attributes, considered.Overlay);
                    Assert.True(
                        mayTake == considered.By is null || (mayTake && !isSame
                            && considered is { By.Rule: RuleCode.HardLimit } && considered.Overlay.Name == known!.Home),
                        $"{step.Identity} {step.Attributes} in {considered.Overlay.Name}: {considered.By}\n{policy.Write()}");
                }

                Assert.Equal(decision.Candidates > 0, decision.Overlay is not null);
            });
            new PlainLaw(policy, after).AssertLawful(isSettled);
        });
}
