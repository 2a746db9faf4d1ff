using System.Globalization;
using ControlPlane.Placement;

namespace ControlPlane.Cluster.Tests.Placement;

public sealed class PolicyAndPlanGrainTests(PlacementCluster cluster) : IClassFixture<PlacementCluster>
{
    private const string ByCustomer = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: by-customer }
        spec:
          attributes:
            customer: { from: jwt.customer }
          groups:
            - { name: customer, key: [customer] }
          rebalance: { maxMovesPerMinute: 100000, maxMovesInFlight: 4 }
        """;

    [Fact]
    public async Task ApplyPolicy_KeepsTheGoodOne_WhenTheNewOneIsBad()
    {
        var name = cluster.NewRegion();
        var policies = cluster.Grain<IPlacementPolicyGrain>(name);
        Assert.True((await policies.ApplyPolicy(ByCustomer)).Applied);

        var bad = await policies.ApplyPolicy(ByCustomer.Replace("[customer]", "[costumer]", StringComparison.Ordinal));

        Assert.Equal((false, true, 1), (bad.Applied, bad.HasErrors, bad.Version));
        Assert.Equal((8, 31), (bad.Faults[0].Line, bad.Faults[0].Column));
        Assert.Equal(ByCustomer, (await policies.ShowPolicy(null))!.Text);
    }

    [Fact]
    public async Task ApplyPolicy_MakesNoNewVersion_WhenRepeated_AndSurvivesARestart()
    {
        var name = cluster.NewRegion();
        var policies = cluster.Grain<IPlacementPolicyGrain>(name);
        await policies.ApplyPolicy(ByCustomer);
        await policies.ApplyPolicy(ByCustomer);
        await cluster.DeactivateAll();

        Assert.Equal((1, "system"), ((await policies.ListPolicies()).Single().Version, (await policies.ListPolicies()).Single().Actor));
        Assert.Equal("by-customer@1", (await PlaceAndExplain(name, "n1")).Policy);
    }

    [Fact]
    public async Task ApplyPolicy_KeepsWhy()
    {
        var policies = cluster.Grain<IPlacementPolicyGrain>(cluster.NewRegion());

        await policies.ApplyPolicy(ByCustomer, "CHG-1");
        await cluster.DeactivateAll();

        Assert.Equal("CHG-1", (await policies.ShowPolicy(null))!.Reason);
        Assert.Equal("CHG-1", Assert.Single(await policies.ListPolicies()).Reason);
    }

    [Fact]
    public async Task Simulate_PlacesByTheTriedPolicy_AndChangesNothing()
    {
        var name = cluster.NewRegion();
        PlacementRequest[] nodes = [.. Enumerable.Range(0, 30).Select(i => Request($"n{i}", $"c{i % 3}"))];

        var outcome = await cluster.Grain<IPlacementPolicyGrain>(name).Simulate(nodes, ByCustomer);

        Assert.Empty(outcome.Faults);
        Assert.All(outcome.Nodes.Select((node, i) => (node.Overlay, Customer: i % 3)).GroupBy(node => node.Customer),
            customer => Assert.Single(customer.Select(node => node.Overlay).Distinct()));
        Assert.All(await cluster.Grain<IInternalPlacementGrain>(name).ListOverlays(), overlay =>
            Assert.Equal(0, overlay.Nodes + overlay.Reserved));
    }

    [Fact]
    public async Task CommandPlan_RetiresAnOverlay_WhenItsNodesEnrolAnew()
    {
        var name = cluster.NewRegion();
        var region = cluster.Grain<IInternalPlacementGrain>(name);
        var plans = cluster.Grain<IInternalPlacementGrain>(name);
        await cluster.Grain<IPlacementPolicyGrain>(name).ApplyPolicy(ByCustomer);
        await EnrolAsync(name, 30);
        var retired = (await region.ListOverlays()).First(overlay => overlay.Nodes > 0).Name;

        var created = Assert.IsType<PlanOutcome.Accepted>(await plans.CreatePlan(new PlanRequest(PlanKind.Retire, retired)))
            .Progress;
        var plan = (await plans.ShowPlan(created.Id))!;
        Assert.Equal((plan.LowerBound, 1.0, PlanStage.Draft), (plan.Nodes, plan.Ratio, created.Stage));
        await plans.ApprovePlan(created.Id);

        var done = await EnrolTheMovedAsync(name, plan);

        Assert.Equal((PlanStage.Done, plan.Nodes, 0, 0), (done.Stage, done.Moved, done.Skipped, done.Failed));
        var overlays = await region.ListOverlays();
        Assert.Equal((OverlayState.Retired, 0),
            (overlays.Single(o => o.Name == retired).State, overlays.Single(o => o.Name == retired).Nodes));
        Assert.Equal(30, overlays.Sum(overlay => overlay.Nodes));
        Assert.Equal((0, 0), ((await cluster.Grain<IPlacementPolicyGrain>(name).CheckPolicy(ByCustomer)).DryRun!.SplitGroups,
            overlays.Sum(o => o.Reserved)));
    }

    [Fact]
    public async Task APlan_EndsAsItWould_ThoughTheGrainEndsAgainAndAgain()
    {
        var name = cluster.NewRegion();
        var region = cluster.Grain<IInternalPlacementGrain>(name);
        var plans = cluster.Grain<IInternalPlacementGrain>(name);
        await cluster.Grain<IPlacementPolicyGrain>(name).ApplyPolicy(ByCustomer);
        var plan = await ApproveDrainAsync(name);

        var done = await EnrolTheMovedAsync(name, plan, async () =>
        {
            await TestKit.Readiness.UntilAsync(
                async _ => await cluster.In(name).CountAsync() is (_, > 0)
                    || (await plans.ListPlans()).Single(known => known.Id == plan.Id).Stage == PlanStage.Done,
                "nodes are on their way, or none is left",
                TestContext.Current.CancellationToken);
            await cluster.DeactivateAll();
        });

        Assert.Equal((PlanStage.Done, plan.Nodes, 0, 0), (done.Stage, done.Moved, done.Skipped, done.Failed));
        await cluster.In(name).UntilCountAsync(30, 0);
    }

    [Fact]
    public async Task CommandPlan_SendsNobody_WhilePaused_AndTheRest_WhenResumed()
    {
        var name = cluster.NewRegion();
        var region = cluster.Grain<IInternalPlacementGrain>(name);
        var plans = cluster.Grain<IInternalPlacementGrain>(name);
        await cluster.Grain<IPlacementPolicyGrain>(name).ApplyPolicy(ByCustomer);
        var plan = await ApproveDrainAsync(name);
        await UntilAsync(plans, plan.Id, progress => progress.Stage == PlanStage.Running);

        await cluster.In(name).UntilAsync(count => count.Reserved > 0, "a node was told");
        await plans.PausePlan(plan.Id);
        var paused = await EnrolTheRestAsync(name, plan);

        Assert.Equal((PlanStage.Paused, "Pause by system"), (paused.Stage, paused.Reason));
        Assert.InRange(paused.Moved, 1, plan.Nodes - 1);
        await cluster.In(name).UntilCountAsync(30, 0);
        await plans.ResumePlan(plan.Id);
        var done = await EnrolTheMovedAsync(name, plan);
        Assert.Equal((PlanStage.Done, plan.Nodes, 0), (done.Stage, done.Moved, done.Failed));
    }

    [Fact]
    public async Task CommandPlan_LetsThoseOnTheirWayArrive_WhenAborted()
    {
        var name = cluster.NewRegion();
        var region = cluster.Grain<IInternalPlacementGrain>(name);
        var plans = cluster.Grain<IInternalPlacementGrain>(name);
        await cluster.Grain<IPlacementPolicyGrain>(name).ApplyPolicy(ByCustomer);
        var plan = await ApproveDrainAsync(name);
        await cluster.In(name).UntilAsync(count => count.Reserved > 0, "a node was told");

        await plans.AbortPlan(plan.Id);
        var aborted = await EnrolTheRestAsync(name, plan);

        Assert.Equal((PlanStage.Aborted, 0), (aborted.Stage, aborted.Failed));
        Assert.InRange(aborted.Moved, 1, plan.Nodes - 1);
        await cluster.In(name).UntilCountAsync(30, 0);
    }

    [Fact]
    public async Task CommandPlan_SkipsAndReports_WhatIsNotAsItWasPlanned()
    {
        var name = cluster.NewRegion();
        var region = cluster.Grain<IInternalPlacementGrain>(name);
        var plans = cluster.Grain<IInternalPlacementGrain>(name);
        await EnrolAsync(name, 3);
        var filled = (await region.ListOverlays()).First(overlay => overlay.Nodes > 0).Name;
        var id = Assert.IsType<PlanOutcome.Accepted>(await plans.CreatePlan(new PlanRequest(PlanKind.Drain, filled))).Progress.Id;
        var planned = (await plans.ShowPlan(id))!.Moves.SelectMany(move => move.Identities).ToArray();
        foreach (var identity in planned)
        {
            await cluster.In(name).Owner(filled).Remove(identity, isGone: false);
        }

        await cluster.In(name).UntilCountAsync(3 - planned.Length, 0);

        await plans.ApprovePlan(id);

        var done = await UntilAsync(plans, id, plan => plan.Stage == PlanStage.Done);
        Assert.Equal((0, planned.Length, 0), (done.Moved, done.Skipped, done.Failed));
        Assert.Contains($"{planned[0]} skipped: it is not at rest in {filled} any more", done.Reports);
    }

    [Fact]
    public async Task CommandPlan_IsPausedByItsBrake_WhenItsNodesDoNotArrive()
    {
        var name = cluster.NewRegion();
        var region = cluster.Grain<IInternalPlacementGrain>(name);
        var plans = cluster.Grain<IInternalPlacementGrain>(name);
        await cluster.Grain<IPlacementPolicyGrain>(name).ApplyPolicy(ByCustomer);
        await EnrolAsync(name, 60);
        var filled = (await region.ListOverlays()).MaxBy(overlay => overlay.Nodes)!.Name;
        var id = Assert.IsType<PlanOutcome.Accepted>(await plans.CreatePlan(new PlanRequest(PlanKind.Drain, filled))).Progress.Id;
        await plans.ApprovePlan(id);

        var paused = await UntilAsync(plans, id, plan =>
        {
            cluster.Time.Advance(TimeSpan.FromMinutes(40));
            return plan.Stage == PlanStage.Paused;
        });

        Assert.StartsWith("the threshold of 21 % failed", paused.Reason, StringComparison.Ordinal);
        Assert.InRange(paused.Failed, 5, 12);
        await cluster.In(name).UntilCountAsync(60, 0);
    }

    [Fact]
    public async Task CommandPlan_RefusesWhatDoesNotFitTheStage()
    {
        var name = cluster.NewRegion();
        var plans = cluster.Grain<IInternalPlacementGrain>(name);
        await EnrolAsync(name, 3);
        var plan = Assert.IsType<PlanOutcome.Accepted>(await plans.CreatePlan(new PlanRequest(PlanKind.Drain, "a"))).Progress;

        Assert.Equal(PlanRefusal.WrongStage, Refusal(await plans.ResumePlan(plan.Id)));
        Assert.Equal(PlanRefusal.UnknownPlan, Refusal(await plans.ApprovePlan("drain-99")));
        Assert.Equal(PlanRefusal.UnknownOverlay, Refusal(await plans.CreatePlan(new PlanRequest(PlanKind.Drain, "nowhere"))));
        var aborted = Assert.IsType<PlanOutcome.Accepted>(await plans.AbortPlan(plan.Id, "not today")).Progress;
        Assert.EndsWith(": not today", aborted.Reason, StringComparison.Ordinal);
        Assert.Equal(PlanRefusal.WrongStage, Refusal(await plans.ApprovePlan(plan.Id)));
    }

    private static async Task<PlanProgress> UntilAsync(IInternalPlacementGrain plans, string id, Func<PlanProgress, bool> condition)
    {
        PlanProgress? last = null;
        await TestKit.Readiness.UntilAsync(
            async _ => condition(last = (await plans.ListPlans()).Single(plan => plan.Id == id)),
            $"{id} is as it should be",
            TestContext.Current.CancellationToken,
            () => last?.ToString() ?? "",
            TimeSpan.FromMinutes(1));
        return last!;
    }

    private static PlanRefusal Refusal(PlanOutcome outcome) => Assert.IsType<PlanOutcome.Refused>(outcome).Refusal;

    private static PlacementRequest Request(string identity, string customer) =>
        new(identity, $$"""{"customer":"{{customer}}"}""", "{}");

    private static PlacementRequest Request(string identity) =>
        Request(identity, $"c{int.Parse(identity[1..], CultureInfo.InvariantCulture) % 6}");

    private async Task EnrolAsync(string name, int nodes)
    {
        for (var i = 0; i < nodes; i++)
        {
            await cluster.In(name).EnrolAsync(Request($"n{i}"));
        }

        await cluster.In(name).UntilCountAsync(nodes, 0);
    }

    private async Task<PlacementPlan> ApproveDrainAsync(string name)
    {
        var region = cluster.Grain<IInternalPlacementGrain>(name);
        await EnrolAsync(name, 30);
        var drained = (await region.ListOverlays()).MaxBy(overlay => overlay.Nodes)!.Name;
        var created = Assert.IsType<PlanOutcome.Accepted>(
            await region.CreatePlan(new PlanRequest(PlanKind.Drain, drained))).Progress;
        await region.ApprovePlan(created.Id);
        return (await region.ShowPlan(created.Id))!;
    }

    // Who was not told does not come.
    private async Task<int> EnrolThoseToldAsync(string name, PlacementPlan plan, string job)
    {
        var told = cluster.Nodes.OnTheirWay(job);
        foreach (var identity in told)
        {
            var to = plan.Moves.Single(move => move.Identities.Contains(identity)).To;
            Assert.Equal(to, await cluster.In(name).EnrolAsync(Request(identity)));
            cluster.Nodes.Arrive(identity, to);
        }

        return told.Length;
    }

    // Those that were about to be told when the plan was stopped were told, or will not be.
    private Task<PlanProgress> EnrolTheRestAsync(string name, PlacementPlan plan) => EnrolUntilAsync(
        name, plan, progress => progress is { UnderWay: 0, Moved: > 0 } && cluster.Nodes.OnTheirWay(progress.Job).Length == 0);

    // The fleet's part: a node that was told to enrols anew, and learns where.
    private Task<PlanProgress> EnrolTheMovedAsync(string name, PlacementPlan plan, Func<Task>? between = null) =>
        EnrolUntilAsync(name, plan, progress => progress.Stage == PlanStage.Done, between);

    private async Task<PlanProgress> EnrolUntilAsync(
        string name, PlacementPlan plan, Func<PlanProgress, bool> reached, Func<Task>? between = null)
    {
        var plans = cluster.Grain<IInternalPlacementGrain>(name);
        var begun = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var progress = (await plans.ListPlans()).Single(known => known.Id == plan.Id);
            if (reached(progress) || TimeProvider.System.GetElapsedTime(begun) > TimeSpan.FromMinutes(3))
            {
                return progress;
            }

            await EnrolThoseToldAsync(name, plan, progress.Job);
            await (between?.Invoke() ?? Task.CompletedTask);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private async Task<PlacementExplanation> PlaceAndExplain(string name, string identity)
    {
        var region = cluster.Grain<IInternalPlacementGrain>(name);
        await region.Place(Request(identity, "acme"));
        return (await region.Explain(identity))!;
    }
}
