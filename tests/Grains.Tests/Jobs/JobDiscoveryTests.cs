using ControlPlane.Access;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Who is meant.</summary>
public sealed class JobDiscoveryTests
{
    private readonly KnownNodes known = new();
    private readonly FakeRpc rpc = new(new FakeTimeProvider());

    public JobDiscoveryTests()
    {
        known.Add("eu-1", ["web1", "web2", "web3"]);
        known.Add("eu-2", ["web4"]);
        known.Nodes.Add(new RosterEntry("new1", NodeStage.Discovered, "eu-1", null, default, null));
    }

    [Fact]
    public async Task AQuery_IsForTheEnrolledNodesOfTheOverlay()
    {
        var query = NodeQuery.All with { Filter = "country=uk" };

        Assert.Equal(["web1", "web2", "web3"], await FindAsync(new JobTargets { Query = query }));
        Assert.Equal(query with { Overlay = "eu-1", Stage = NodeStage.Enrolled }, Assert.Single(known.Asked));
    }

    [Fact]
    public async Task AList_IsOfTheNodesThatAreEnrolledHere_WithoutThoseThatAreExcluded() => Assert.Equal(
        ["web3"],
        await FindAsync(new JobTargets { Identities = ["web3", "web4", "web1", "new1", "nobody"], Exclude = ["web1"] }));

    [Fact]
    public async Task TargetsOfAnEarlierJob_AreThoseOfTheOverlay_InTheStatesThatAreNamed()
    {
        known.Targets["first@eu-1"] =
        [
            new JobTarget("web1", "eu-1", 0, TargetState.Failed, 1), new JobTarget("web2", "eu-1", 0, TargetState.Succeeded, 1),
            new JobTarget("gone", "eu-1", 0, TargetState.Failed, 1),
        ];

        Assert.Equal(["web1"], await FindAsync(new JobTargets { OfJob = new JobResultsOf("first", [TargetState.Failed]) }));
    }

    [Fact]
    public async Task ABroadcast_IsForWhoAnswers_AndHasTheJobsAgent()
    {
        rpc.Discovered = ["web2", "new1", "stranger"];
        var targets = new JobTargets { Broadcast = NodeQuery.All with { Facts = ["os=linux"], Filter = "with('x=1')" } };

        Assert.Equal(["web2"], await FindAsync(targets));
        Assert.Equal(["os=linux"], rpc.DiscoveredBy!.Facts);
        Assert.Equal(["puppet"], rpc.DiscoveredBy.Agents);
        Assert.Equal(["with('x=1')"], rpc.DiscoveredBy.Compound);

        rpc.IsAway = true;
        await Assert.ThrowsAsync<JobNotReadyException>(() => FindAsync(targets));
    }

    [Fact]
    public async Task APlan_IsForAllThatItMoves_InItsOrder_WhateverTheIndexKnowsOfThem()
    {
        var targets = new JobTargets { Plan = new JobPlan("eu", "drain-1") };
        await Assert.ThrowsAsync<FormatException>(() => FindAsync(targets));

        known.Moves[("job", "eu-1")] = ["web3", "gone", "web1", "web2"];
        Assert.Equal(["web3", "gone", "web1", "web2"], await FindAsync(targets));

        known.IsLeaderAway = true;
        await Assert.ThrowsAsync<JobNotReadyException>(() => FindAsync(targets));
    }

    [Fact]
    public async Task WhileTheIndexIsStillRead_NobodyIsLeftOut()
    {
        known.AreReading = true;
        await Assert.ThrowsAsync<JobNotReadyException>(() => FindAsync(new JobTargets { Query = NodeQuery.All }));
    }

    [Fact]
    public async Task AQueryThatCannotBeUnderstood_IsAFault()
    {
        known.Fault = "filter: 'coutry' is not known";
        await Assert.ThrowsAsync<FormatException>(() => FindAsync(new JobTargets { Query = NodeQuery.All }));
    }

    [Fact]
    public async Task MoreNodesThanAPageHas_AreAllFound()
    {
        known.Add("eu-1", Enumerable.Range(0, 70_000).Select(number => $"n{number}"));

        Assert.Equal(70_003, (await FindAsync(new JobTargets { Query = NodeQuery.All, Seed = 7 })).Distinct().Count());
    }

    [Fact]
    public async Task NodesThatAreHeard_AreThoseThatAreNotLost()
    {
        known.Add("eu-1", ["late"], NodeLiveness.Late);
        known.Add("eu-1", ["lost"], NodeLiveness.Lost);

        var heard = await new JobDiscovery(known.Grains, rpc).FindHeardAsync("eu-1", TestContext.Current.CancellationToken);

        Assert.Equal(["late", "web1", "web2", "web3"], heard.Order(StringComparer.Ordinal));
    }

    private async Task<IEnumerable<string>> FindAsync(JobTargets targets)
    {
        var order = new OverlayJobOrder(
            "job", "eu-1", "eu-1", JobWorld.Spec() with { Targets = targets }, JobSubmitter.Of(Caller.Local));
        var found = await new JobDiscovery(known.Grains, rpc).FindAsync(order, TestContext.Current.CancellationToken);
        return found.Select(node => node.Identity);
    }
}
