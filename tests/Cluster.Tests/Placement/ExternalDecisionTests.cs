using ControlPlane.Placement;

namespace ControlPlane.Cluster.Tests.Placement;

public sealed class ExternalDecisionTests(PlacementCluster cluster) : IClassFixture<PlacementCluster>
{
    private const string Policy = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: asked }
        spec:
          attributes: { customer: { from: jwt.customer } }
          filters: [ { name: not-c, when: 'node.customer == "shy"', require: 'overlay.name != "c"' } ]
          groups: [ { name: customer, key: [customer] } ]
          decision: { external: true, deadline: 300ms, onTimeout: ON_TIMEOUT }
        """;

    [Fact]
    public async Task Place_FollowsTheExternalDecision_AndExplainsIt()
    {
        var region = await RegionAsync("builtIn");
        cluster.Decider.Says("chosen", new ExternalAnswer.Choose("b", "CHG-1"));

        Assert.Equal(("b", "external decision: CHG-1"), await PlacedAsync(region, "chosen", "x"));
        Assert.Contains((await region.Explain("chosen"))!.Rejected, rejected => rejected is { Overlay: "a", By: "external" });
        Assert.Equal(3, cluster.Decider.Asked.Single(question => question.Identity == "chosen").Candidates.Count);
    }

    [Fact]
    public async Task Place_AsksNobody_WhereTheRulesLeaveNoChoice()
    {
        var region = await RegionAsync("builtIn");
        var (home, _) = await PlacedAsync(region, "first", "kept");
        cluster.Decider.Says("second", new ExternalAnswer.Choose(home == "a" ? "b" : "a", "apart"));

        Assert.Equal(home, (await PlacedAsync(region, "second", "kept")).Overlay);
        Assert.DoesNotContain(cluster.Decider.Asked, question => question.Identity == "second");
    }

    [Theory]
    [InlineData("c", "against a hard rule")]
    [InlineData("nowhere", "which the region has not")]
    public async Task Place_DoesNotFollow_WhatAHardRuleRejects(string choice, string why)
    {
        var region = await RegionAsync("builtIn");
        cluster.Decider.Says("bent", new ExternalAnswer.Choose(choice, "because"));

        var (overlay, reason) = await PlacedAsync(region, "bent", "shy");

        Assert.NotEqual("c", overlay);
        Assert.Contains(why, reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("builtIn")]
    [InlineData("defer")]
    public async Task Place_DoesAsThePolicySays_WhenNobodyAnswersInTime(string onTimeout)
    {
        var region = await RegionAsync(onTimeout);
        cluster.Decider.Does("slow", async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return new ExternalAnswer.Abstain();
        });

        var outcome = await region.Place(Request("slow", "y"));

        var reason = onTimeout == "defer"
            ? Assert.IsType<PlacementOutcome.Deferred>(outcome).Reason
            : Assert.IsType<PlacementOutcome.Placed>(outcome).Reason;
        Assert.Contains("it did not answer within 300 ms", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Place_LeavesTheDeciderAlone_WhenItFailedSeveralTimes()
    {
        var region = await RegionAsync("builtIn");
        for (var i = 0; i <= ExternalDecision.FailuresMax; i++)
        {
            Exception fault = i % 2 == 0 ? new ExternalDecisionException("exit code 1") : new InvalidOperationException("a defect");
            cluster.Decider.Does($"broken{i}", (_, _) => throw fault);
            await PlacedAsync(region, $"broken{i}", $"broken{i}");
        }

        Assert.Equal(
            ExternalDecision.FailuresMax, cluster.Decider.Asked.Count(
                question => question.Identity.StartsWith("broken", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Place_Defers_WhenTheDeciderSaysSo()
    {
        var region = await RegionAsync("builtIn");
        cluster.Decider.Says("later", new ExternalAnswer.Defer("not in the CMDB"));

        Assert.Equal(
            "external decision: not in the CMDB", Assert.IsType<PlacementOutcome.Deferred>(
                await region.Place(Request("later", "z"))).Reason);
    }

    private async Task<IInternalPlacementGrain> RegionAsync(string onTimeout)
    {
        var name = cluster.NewRegion();
        var verdict = await cluster.Grain<IPlacementPolicyGrain>(name).ApplyPolicy(
            Policy.Replace("ON_TIMEOUT", onTimeout, StringComparison.Ordinal));
        Assert.Empty(verdict.Faults);
        return cluster.Grain<IInternalPlacementGrain>(name);
    }

    private static async Task<(string Overlay, string Reason)> PlacedAsync(IInternalPlacementGrain region, string identity, string customer)
    {
        var placed = Assert.IsType<PlacementOutcome.Placed>(await region.Place(Request(identity, customer)));
        return (placed.Overlay, placed.Reason);
    }

    private static PlacementRequest Request(string identity, string customer) =>
        new(identity, $$"""{"customer":"{{customer}}"}""", "{}");
}
