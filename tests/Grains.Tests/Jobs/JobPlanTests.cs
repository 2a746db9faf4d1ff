using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Sites;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Jobs that carry out a placement plan: nobody is told to enrol anew before a place is held for it.</summary>
public sealed class JobPlanTests
{
    private static readonly Dictionary<string, int> OneOverlay = new() { ["a"] = 20 };

    [Fact]
    public Task ANode_IsToldWhenItsPlaceIsHeld_AndWhoMayNotGoIsSkipped() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Spec(), OneOverlay);
        world.Nodes.Leader.Objection = identity => identity == "a-0007" ? "b is full" : null;
        world.Nodes.Leader.There.Add("a-0008");
        world.Nodes.OnAsk = identity => Assert.Contains(identity, world.Nodes.Leader.Held);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 18);
        Assert.Equal((1, 1), (world.Counts[TargetState.Skipped], world.Counts[TargetState.Succeeded]));

        world.Nodes.ArriveAll("b");
        await world.UntilEndedAsync();
        Assert.Equal((JobState.Completed, 19), (world.Job.State, world.Counts[TargetState.Succeeded]));
        Assert.DoesNotContain("a-0007", world.Nodes.Enrolled.Keys);
        Assert.DoesNotContain("a-0008", world.Nodes.Enrolled.Keys);
        Assert.Contains(
            await world.ResultsAsync("a"), result => result is { Identity: "a-0007", State: TargetState.Skipped, Message: "b is full" });
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task WhatHasToWait_OrTheLeaderThatIsAway_IsWaitedFor_AndItIsSaidWhy(bool isAway) => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Spec(), OneOverlay);
        const string why = "waits for b, which does not answer";
        world.Nodes.Leader.Waits = isAway ? null : why;
        world.Nodes.Leader.Lost = isAway ? new SiteUnreachableException(why) : null;
        await world.UntilAsync(job => job.Overlays[0].Report?.Waits == why);
        await world.StepAsync(TimeSpan.FromDays(2));
        await world.StepAsync();
        Assert.Equal((JobState.Running, why), (world.Job.State, world.Job.Overlays[0].Report!.Waits));
        Assert.Empty(world.Nodes.Enrolled);

        (world.Nodes.Leader.Waits, world.Nodes.Leader.Lost) = (null, null);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 20);
        Assert.All(world.TargetsIn("a"), target => Assert.Equal(1, target.Attempts));
        Assert.Equal("", world.Job.Overlays[0].Report!.Waits);
    });

    [Fact]
    public Task APlace_ThatIsHeldAndWhoseAnswerIsLost_IsAskedForAgain() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Spec(), OneOverlay);
        world.Nodes.Leader.LostAnswers = 3;
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 20);
        await AssertAllArriveOnceAsync(world);
    });

    [Fact]
    public Task ASiloThatEnds_BeforePlacesAreHeld_IsFollowedByOneThatHasThemHeld() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Spec(), OneOverlay);
        await world.StepAsync();
        world.EndAfter("a", written => written.Cells.Any(cell => (cell & 15) == (int)TargetState.Dispatched));
        world.Nodes.OnAsk = identity => Assert.Contains(identity, world.Nodes.Leader.Held);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 20);
        await AssertAllArriveOnceAsync(world);
    });

    [Fact]
    public Task WhoIsRefused_GivesItsPlaceBack_AndWhoComesBackHasNotMoved() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Spec(), OneOverlay);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 20);
        world.Nodes.End(identity => identity == "a-0003" ? ReprovisionStatus.Failed("its token is of another site") : null);
        await world.UntilAsync(_ => world.Counts[TargetState.Failed] == 1);
        Assert.Equal(["a-0003"], world.Nodes.Leader.GivenBack);

        world.Nodes.ArriveAll("a");
        await world.UntilEndedAsync();
        Assert.Equal(20, world.Counts[TargetState.Failed]);
        Assert.Contains(await world.ResultsAsync("a"), result => result.Message == "it came back to a");
    });

    [Fact]
    public Task Aborted_ItTellsNobodyNew_AlsoWhereThatWasWaitedFor() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Spec(concurrency: 5), OneOverlay);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 5);
        world.Nodes.Leader.Waits = "drain-1 is Aborted";
        world.Tell(job => JobCommand.Abort(job, "system", "Abort by ann", world.Now));
        world.Nodes.ArriveAll("b");
        await world.UntilEndedAsync();
        Assert.Equal((5, 15), (world.Counts[TargetState.Succeeded], world.Counts[TargetState.Cancelled]));
        Assert.Equal(5, world.Nodes.Enrolled.Count);
    });

    [Fact]
    public Task APlansJob_NeedsNoOtherApproval() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Spec(), OneOverlay, approveAbove: 0);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 20);
    });

    [Fact]
    public Task AFewNodes_GoAsFastAsMany_AtTheSameRate() => JobWorld.RunAsync(async () =>
    {
        var spec = Spec();
        using var world = new JobWorld(spec with { Stages = [spec.Stages[0] with { RatePerMinute = 600 }] }, OneOverlay);
        await world.UntilAsync(job => job.State == JobState.Running);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 20, stepsMax: 5);
    });

    private static async Task AssertAllArriveOnceAsync(JobWorld world)
    {
        world.Nodes.ArriveAll("b");
        await world.UntilEndedAsync();
        Assert.Equal(20, world.Counts[TargetState.Succeeded]);
        Assert.All(world.Nodes.Enrolled.Values, times => Assert.Equal(1, times));
    }

    private static JobSpec Spec(int concurrency = 1_000) => EnrollingNodes.Spec(concurrency) with
    {
        Targets = new JobTargets { Plan = new JobPlan("test", "drain-1"), Overlays = ["a"] },
        Timeouts = new JobTimeouts
        {
            Execution = TimeSpan.FromMinutes(30), Job = TimeSpan.FromDays(30), UnknownGrace = TimeSpan.FromDays(30),
        },
    };
}
