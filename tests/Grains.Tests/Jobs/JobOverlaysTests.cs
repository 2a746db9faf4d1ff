using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Jobs over overlays that are cut off, and the nodes that these have when a job starts.</summary>
public sealed class JobOverlaysTests
{
    [Fact]
    public Task AnOverlayThatIsCutOff_FinishesWhatItWasAllotted_AndIsMergedWhenItIsBack() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(
            new JobStage("first", "50%") { PerOverlay = true, RatePerMinute = 120 }, new JobStage("rest", "100%"));
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 20, ["b"] = 20 });
        await world.UntilAsync(job => job.State == JobState.Running && job.Overlays.All(share => share.Report!.Allotment > 0));

        for (var second = 0; second < 120; second++)
        {
            await world.StepAsync(TimeSpan.FromSeconds(1), "b");
        }

        // Its stage is done, and no more than that.
        Assert.Equal(10, world.Rpc.Executed.Keys.Count(key => key.Node.StartsWith('b')));
        Assert.True(world.Job.Overlays[1].IsAway);
        Assert.Equal(0, world.Job.Stage);
        Assert.Equal(0, world.Counts[TargetState.Failed]);

        await world.UntilEndedAsync();
        Assert.Equal(40, world.Counts[TargetState.Succeeded]);
        Assert.All(world.Rpc.Executed.Values, times => Assert.Equal(1, times));
    });

    [Fact]
    public Task WhatAnOverlayWasGiven_IsUnknown_WhenItIsCutOffForLong_AndKnownWhenItIsBack() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(new JobStage("first", "50%") { PerOverlay = true, RatePerMinute = 20 }, new JobStage("rest", "100%"));
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 20, ["b"] = 20 });
        await world.UntilAsync(job => job.Overlays[1].Counts[TargetState.Succeeded] == 3);
        await world.StepAsync(TimeSpan.Zero, "b");
        await world.StepAsync(TimeSpan.FromSeconds(299), "b");
        Assert.Equal((7, 0), (InB(TargetState.Pending) + InB(TargetState.Dispatched), InB(TargetState.Unknown)));
        await world.StepAsync(TimeSpan.FromSeconds(1), "b");
        Assert.Equal((0, 7), (InB(TargetState.Pending) + InB(TargetState.Dispatched), InB(TargetState.Unknown)));
        Assert.Equal((3, 0), (InB(TargetState.Succeeded), world.Counts[TargetState.Failed]));
        for (var looks = 0; !world.Job.IsEnded; looks++)
        {
            Assert.InRange(looks, 0, 300);
            await world.StepAsync(TimeSpan.FromSeconds(1), "b");
        }

        // It was never given the second stage, and may have done what it had.
        Assert.Equal((JobState.Completed, 17), (world.Job.State, world.Counts[TargetState.Unknown]));
        Assert.Contains("in b, which did not answer", world.Job.Reason);
        Assert.Equal(40, world.Counts.All);
        await world.UntilEndedAsync();
        Assert.Equal((30, 10), (world.Counts[TargetState.Succeeded], world.Counts[TargetState.Cancelled]));

        int InB(TargetState state) => world.Job.Overlays[1].CountsOf(0)[state];
    });

    [Fact]
    public Task AThresholdForUnknown_PausesTheOverlay_ThatIsCutOffForLong() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(new JobStage("all", "100%") { RatePerMinute = 120 }) with
        {
            Thresholds =
            [
                new JobThreshold(ThresholdScope.Overlay, [TargetState.Unknown], ThresholdAction.PauseOverlay)
                {
                    Percent = 30, MinSample = 50,
                },
            ],
        };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 100, ["b"] = 100 });
        await world.UntilAsync(job => job.Overlays[1].Counts[TargetState.Succeeded] > 5);
        for (var second = 0; second < 301; second++)
        {
            await world.StepAsync(TimeSpan.FromSeconds(1), "b");
        }

        Assert.Contains("30 % unknown was reached in b", world.Job.Overlays[1].PausedBecause);
        Assert.Equal(100, world.Job.Overlays[0].Counts[TargetState.Succeeded]);

        // Resumed it goes on, and is not paused again by what was unknown.
        world.Tell(JobCommand.Resume);
        await world.StepAsync(TimeSpan.FromSeconds(1), "b");
        Assert.Null(world.Job.Overlays[1].PausedBecause);
        await world.UntilEndedAsync();
        Assert.Equal(200, world.Counts[TargetState.Succeeded]);
    });

    [Fact]
    public Task AJob_ActsOnTheNodesThatThereAre_WhenItStarts() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with { StartAt = DateTimeOffset.UnixEpoch.AddDays(20_001) };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 3, ["b"] = 2 });
        await world.UntilAsync(job => job.State == JobState.Waiting);
        Assert.Equal(5, world.Counts.All);
        world.Become("a", "a-0001", "new-1", "new-2", "new-3");
        await world.StepAsync(TimeSpan.FromHours(23));
        Assert.Equal((JobState.Waiting, 0), (world.Job.State, world.Rpc.Executed.Count));
        await world.StepAsync(TimeSpan.FromHours(1));
        await world.UntilEndedAsync();
        Assert.Equal(
            ["a-0001", "b-0000", "b-0001", "new-1", "new-2", "new-3"],
            world.Rpc.Executed.Keys.Select(key => key.Node).Order(StringComparer.Ordinal));
        Assert.Equal(6, world.Counts[TargetState.Succeeded]);
    });

    [Fact]
    public Task AJobThatComesAfterAnother_FindsItsTargets_WhenThatHasCompleted() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec() with { After = ["before"] }, new Dictionary<string, int> { ["a"] = 0 });
        world.Become("a", "left-over");
        await world.StepAsync(TimeSpan.FromSeconds(1));
        world.After["before"] = JobState.Running;
        await world.StepAsync(TimeSpan.FromSeconds(1));
        Assert.Equal("waits for the job before", world.Job.Reason);
        world.After["before"] = JobState.Completed;
        await world.UntilEndedAsync();
        Assert.Equal(1, world.Rpc.Executed[("left-over", "runonce")]);
    });

    [Fact]
    public Task AnApprovedJob_IsBegun_AndOneThatHasGrown_MustBeApproved() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with { StartAt = DateTimeOffset.UnixEpoch.AddDays(20_001) };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 2 }, approveAbove: 2);
        await world.UntilAsync(job => job.State == JobState.Waiting);
        world.Become("a", "a-0000", "a-0001", "a-0002");
        await world.StepAsync(TimeSpan.FromDays(1));
        await world.UntilAsync(job => job.State == JobState.AwaitingApproval);
        Assert.Empty(world.Rpc.Executed);
        world.Become("a", "a-0002");
        world.Tell(job => JobCommand.Approve(job, "bob", "CHG-1"));
        await world.UntilEndedAsync();
        Assert.Equal(("a-0002", "runonce"), Assert.Single(world.Rpc.Executed).Key);
    });

    [Fact]
    public Task AnOverlayThatWasCutOffWhenAJobWasSubmitted_IsAskedAgain_WhenItStarts() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with { StartAt = DateTimeOffset.UnixEpoch.AddDays(20_001) };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 2, ["b"] = 2 });
        for (var minute = 0; minute < 7; minute++)
        {
            await world.StepAsync(TimeSpan.FromMinutes(1), "b");
        }

        Assert.Equal((JobState.Waiting, true), (world.Job.State, world.Job.Overlays[1].IsLeftOut));
        await world.StepAsync(TimeSpan.FromDays(1));
        await world.UntilEndedAsync();
        Assert.Equal(4, world.Counts[TargetState.Succeeded]);
    });

    [Fact]
    public Task AnOverlayThatIsCutOffWhenAJobStarts_IsLeftOut_AndSaidToBe() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with { StartAt = DateTimeOffset.UnixEpoch.AddDays(20_001) };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 2, ["b"] = 2 });
        await world.UntilAsync(job => job.State == JobState.Waiting);
        await world.StepAsync(TimeSpan.FromDays(1), "b");
        for (var second = 0; !world.Job.IsEnded; second += 10)
        {
            Assert.InRange(second, 0, 320);
            await world.StepAsync(TimeSpan.FromSeconds(10), "b");
        }

        var snapshot = world.Job.ToSnapshot("job");
        Assert.Equal((2, 2), (world.Counts.All, world.Counts[TargetState.Succeeded]));
        Assert.Equal([false, true], snapshot.Overlays.Select(one => one.IsLeftOut));
        Assert.Contains("in b, which did not answer", snapshot.Reason);
        await world.UntilEndedAsync();
        Assert.DoesNotContain(world.Rpc.Executed.Keys, key => key.Node.StartsWith('b'));
    });
}
