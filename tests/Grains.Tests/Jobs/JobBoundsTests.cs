using ControlPlane.Jobs;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Whole jobs, and what bounds them: stages, windows, time limits, nodes that are offline, thresholds.</summary>
public sealed class JobBoundsTests
{
    private static readonly Dictionary<string, int> OneOverlay = new() { ["a"] = 100 };

    [Fact]
    public Task ARamp_BeginsWithOne_AndDoubles_WhenAsManyHaveEnded() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec(JobStage.All with { Ramp = JobRamp.Exponential, Concurrency = 6 }), OneOverlay);
        world.Rpc.Answer = (_, _, _) => null;
        var (begun, answered) = (new List<string>(), 0);
        world.Rpc.OnSend = begun.Add;
        await world.StepAsync();
        foreach (var most in (int[])[1, 3, 7, 13, 19])
        {
            await world.StepAsync();
            Assert.Equal(most, begun.Count);
            for (; answered < begun.Count; answered++)
            {
                world.Rpc.Reply(begun[answered], "runonce");
            }
        }
    });

    [Fact]
    public Task NodesThatAreNamed_AndNotThere_AreCounted() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with
        {
            Targets = new JobTargets { Identities = ["a-0000", "a-0001", "gone1", "gone2", "gone2", "not-meant"], Exclude = ["not-meant"] },
        };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 2 });
        await world.UntilEndedAsync();
        Assert.Equal((JobState.Completed, 2), (world.Job.State, world.Job.ToSnapshot("job").NotFound));
        Assert.Equal("without 2 of the nodes that it names, which are not enrolled", world.Job.Reason);
    });

    [Fact]
    public Task APause_ThatAnOverlayHasNotConfirmed_IsSaidToBe() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec(JobStage.All with { RatePerMinute = 60 }), OneOverlay);
        await world.UntilAsync(_ => world.Rpc.Executed.Count > 3);
        world.Tell(job => JobCommand.Pause(job, "bob", ""));
        await world.StepAsync(TimeSpan.FromSeconds(1), "a");
        Assert.Equal("it has not confirmed yet that it begins nothing new", world.Job.ToSnapshot("job").Overlays[0].Reason);
        await world.StepAsync(TimeSpan.FromSeconds(1));
        Assert.Equal("it is held", world.Job.ToSnapshot("job").Overlays[0].Reason);
    });

    [Fact]
    public Task AStageOfEachOverlay_HasItsShareOfEach_AndItsLeast() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(
            new JobStage("canary", "10%") { PerOverlay = true, Min = 2, Gate = JobGate.Manual }, new JobStage("rest", "100%"));
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 100, ["b"] = 5, ["c"] = 1 });
        await world.UntilAsync(job => job.State == JobState.AtGate);
        Assert.Equal([10, 2, 1], "abc".Select(overlay => world.Rpc.Executed.Keys.Count(key => key.Node[0] == overlay)));
    });

    [Fact]
    public Task OutsideItsWindow_NothingIsBegun_AndItGoesOnInTheNext() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(JobStage.All with { RatePerMinute = 60 }) with
        {
            Window = new JobWindow(new TimeOnly(0, 0), new TimeOnly(0, 1)) { Zone = "UTC" },
            Timeouts = new JobTimeouts { Job = TimeSpan.FromDays(7) },
        };
        using var world = new JobWorld(spec, OneOverlay);
        await world.UntilAsync(job => job.Overlays[0].Report?.Waits == "its window is closed");
        var begun = world.Rpc.Executed.Count;
        Assert.InRange(begun, 50, 61);
        await world.StepAsync(TimeSpan.FromHours(23));
        Assert.Equal(begun, world.Rpc.Executed.Count);
        await world.StepAsync(TimeSpan.FromMinutes(59));
        await world.UntilEndedAsync();
        Assert.Equal(100, world.Counts[TargetState.Succeeded]);
    });

    [Theory]
    [InlineData(OfflinePolicy.Try, TargetState.Succeeded)]
    [InlineData(OfflinePolicy.Skip, TargetState.Skipped)]
    [InlineData(OfflinePolicy.Fail, TargetState.Failed)]
    public Task ANodeThatIsNotHeard_IsAsked_SkippedOrFailed(OfflinePolicy policy, TargetState state) => JobWorld.RunAsync(async () =>
    {
        // That it failed so is no attempt: it is not repeated.
        var spec = JobWorld.Spec() with
        {
            Offline = new JobOffline(policy), Retry = new JobRetry { On = [TargetState.Failed], Max = 3 },
        };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 3 });
        Lose(world, "a-0001");
        await world.UntilEndedAsync();
        Assert.Equal(state, world.TargetsIn("a")[1].State);
        Assert.Equal(policy == OfflinePolicy.Try ? 3 : 2, world.Rpc.Executed.Count);
        Assert.Equal(3, (await world.ResultsAsync("a")).Count);
    });

    [Theory]
    [InlineData(1, TargetState.Succeeded)]
    [InlineData(3, TargetState.Skipped)]
    public Task ANodeThatIsNotHeard_IsWaitedFor_ForAWhile(int returnsAfter, TargetState state) => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with { Offline = new JobOffline(OfflinePolicy.Wait) { Until = TimeSpan.FromHours(2) } };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 3 });
        var node = Lose(world, "a-0001");
        for (var minute = 0; minute < 60 * returnsAfter; minute++)
        {
            await world.StepAsync(TimeSpan.FromMinutes(1));
        }

        world.Known.Nodes.Remove(node);
        world.Known.Add("a", ["a-0001"]);
        await world.UntilEndedAsync();
        Assert.Equal((state, 2), (world.TargetsIn("a")[1].State, world.Counts[TargetState.Succeeded] - (returnsAfter == 1 ? 1 : 0)));
    });

    [Fact]
    public Task AStageThatTakesTooLong_PausesTheJob_AndTheJobIsAborted_WhenItDoes() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(JobStage.All with { RatePerMinute = 1 }) with
        {
            Timeouts = new JobTimeouts { Stage = TimeSpan.FromMinutes(5), Job = TimeSpan.FromMinutes(20) },
        };
        using var world = new JobWorld(spec, OneOverlay);
        for (var minutes = 5; minutes < 20; minutes += 5)
        {
            await world.UntilAsync(job => job.State == JobState.Paused);
            Assert.Equal(world.Job.StartedAt!.Value.AddMinutes(minutes), world.Now);
            Assert.Contains("the stage all took longer than timeouts.stage", world.Job.Reason);
            world.Tell(JobCommand.Resume);
        }

        await world.UntilAsync(job => job.IsEnded);
        Assert.Equal((JobState.Aborted, world.Job.StartedAt!.Value.AddMinutes(20)), (world.Job.State, world.Now));
        await world.UntilEndedAsync();
        Assert.Equal(100, world.Counts[TargetState.Cancelled] + world.Counts[TargetState.Succeeded]);
    });

    [Theory]
    [InlineData(JobState.Aborted)]
    [InlineData(JobState.Failed)]
    public Task AJobThatComesAfterOneThatDidNotComplete_IsAborted(JobState before) => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec() with { After = ["first", "second"] }, OneOverlay);
        world.After["first"] = JobState.Completed;
        await world.StepAsync();
        Assert.Equal("waits for the job second", world.Job.Reason);
        world.After["second"] = before;
        await world.UntilEndedAsync();
        Assert.Equal((JobState.Aborted, 0), (world.Job.State, world.Rpc.Executed.Count));
        Assert.Equal(100, world.Counts[TargetState.Cancelled]);
    });

    [Fact]
    public Task AThresholdOfAStage_CountsItAlone() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(new JobStage("first", "20"), new JobStage("rest", "100%") { Concurrency = 1 }) with
        {
            Thresholds = [new JobThreshold(ThresholdScope.Stage, [TargetState.Failed], ThresholdAction.Abort) { Count = 3 }],
        };
        using var world = new JobWorld(spec, OneOverlay);
        string[] failing = ["a-0001", "a-0011", "a-0031", "a-0041", "a-0051"];
        world.Rpc.Answer = (node, _, _) => failing.Contains(node) ? 1 : 0;
        await world.UntilEndedAsync();
        Assert.Equal((JobState.Aborted, 1), (world.Job.State, world.Job.Stage));
        Assert.Equal((5, 47, 48), (
            world.Counts[TargetState.Failed], world.Counts[TargetState.Succeeded], world.Counts[TargetState.Cancelled]));
        Assert.Contains("the threshold of 3 failed was reached in the stage rest", world.Job.Reason);
    });

    [Fact]
    public Task AThresholdOfAnOverlay_PausesIt_AndTheOthersGoOn() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(JobStage.All with { Concurrency = 4 }) with
        {
            Thresholds =
            [
                new JobThreshold(ThresholdScope.Overlay, [TargetState.Failed, TargetState.Rejected], ThresholdAction.PauseOverlay)
                {
                    Count = 2,
                },
            ],
        };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 50, ["b"] = 50 });
        world.Rpc.Answer = (node, _, _) => node.StartsWith('b') ? 4 : 0;
        await world.UntilAsync(_ => world.Counts[TargetState.Succeeded] == 50);
        await world.StepAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(JobState.Running, world.Job.State);
        Assert.InRange(world.Counts[TargetState.Rejected], 2, 5);
        Assert.Contains("2 failed or rejected was reached in b", world.Job.ToSnapshot("job").Overlays[1].Reason);

        world.Rpc.Answer = (_, _, _) => 0;
        world.Tell(JobCommand.Resume);
        await world.UntilEndedAsync();
        Assert.Equal(100, world.Counts.Ended);
    });

    [Fact]
    public Task ALateReply_IsMarked_AndUndoesNoThreshold() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(JobStage.All with { Concurrency = 5 }) with
        {
            Thresholds = [new JobThreshold(ThresholdScope.Job, [TargetState.TimedOut], ThresholdAction.Pause) { Count = 5 }],
        };
        using var world = new JobWorld(spec, OneOverlay);
        world.Rpc.Answer = (_, _, _) => null;
        await world.UntilAsync(job => job.State == JobState.Paused);
        Assert.Equal(5, world.Counts[TargetState.TimedOut]);
        for (var node = 0; node < 5; node++)
        {
            world.Rpc.Reply($"a-000{node}", "runonce");
        }

        await world.StepAsync(TimeSpan.FromMinutes(1));
        Assert.Equal((JobState.Paused, 5), (world.Job.State, world.Counts[TargetState.Succeeded]));
        var results = await world.ResultsAsync("a");
        Assert.Equal(10, results.Count);
        Assert.Equal(
            results.Select(result => (result.State == TargetState.Succeeded, result.Attempt)),
            results.Select(result => (result.IsLate, 1)));
    });

    [Fact]
    public Task Repetitions_AreSpreadOverTheirWaits_WhichDouble() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with
        {
            Retry = new JobRetry
            {
                On = [TargetState.Failed], Max = 2, Backoff = TimeSpan.FromSeconds(30), BackoffMax = TimeSpan.FromSeconds(50),
            },
        };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 1_000 });
        var sentAt = new Dictionary<string, List<DateTimeOffset>>();
        world.Rpc.OnSend = node => (sentAt.TryGetValue(node, out var times) ? times : sentAt[node] = []).Add(world.Now);
        world.Rpc.Answer = (_, _, _) => 1;
        await world.UntilEndedAsync();
        Assert.All(sentAt.Values, times => Assert.Equal(3, times.Count));
        double[] first = [.. sentAt.Values.Select(times => (times[1] - times[0]).TotalSeconds)];
        double[] second = [.. sentAt.Values.Select(times => (times[2] - times[1]).TotalSeconds)];
        Assert.InRange(first.Max(), 20, 31);
        Assert.InRange(first.Average(), 10, 20);
        Assert.InRange(second.Max(), 40, 51);
        Assert.InRange(second.Average(), 20, 31);
    });

    [Fact]
    public Task RepliesThatComeThriceAndInAnyOrder_CountOnce() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec(JobStage.All with { Concurrency = 25 }), OneOverlay);
        var (random, begun) = (new Random(4711), new List<string>());
        world.Rpc.Answer = (_, _, _) => null;
        world.Rpc.OnSend = begun.Add;
        for (var answered = 0; answered < 100;)
        {
            await world.StepAsync(TimeSpan.FromSeconds(1));
            string[] thrice = [.. begun.Skip(answered).SelectMany(node => Enumerable.Repeat(node, 3))];
            random.Shuffle(thrice);
            answered = begun.Count;
            foreach (var node in thrice)
            {
                world.Rpc.Reply(node, "runonce", node.EndsWith('7') ? 1 : 0);
            }
        }

        await world.UntilEndedAsync();
        Assert.Equal((90, 10), (world.Counts[TargetState.Succeeded], world.Counts[TargetState.Failed]));
        Assert.Equal(100, (await world.ResultsAsync("a")).Count);
    });

    [Fact]
    public Task TwentyThousandNodesOfFourOverlays_StopAtTheThreshold_AndAddUp() => JobWorld.RunAsync(async () =>
    {
        const int concurrency = 1_000;
        var spec = JobWorld.Spec(JobStage.All with { Concurrency = concurrency }) with
        {
            Thresholds =
            [
                new JobThreshold(ThresholdScope.Job, [TargetState.Failed], ThresholdAction.Pause) { Percent = 3, MinSample = 1_000 },
            ],
        };
        using var world = new JobWorld(spec, ((string[])["a", "b", "c", "d"]).ToDictionary(overlay => overlay, _ => 5_000));
        world.Rpc.Answer = (node, _, _) => StableHash.Bucket(node, 20) == 0 ? 1 : 0;
        await world.UntilAsync(job => job.State == JobState.Paused);
        await world.StepAsync(TimeSpan.FromSeconds(1));
        var (failed, ended) = (world.Counts[TargetState.Failed], world.Counts.Ended);
        Assert.InRange(failed, 30, (int)(0.03 * ended) + concurrency);
        Assert.Equal((20_000, 20_000 - ended), (world.Counts.All, world.Counts[TargetState.Pending]));
        await world.StepAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(ended, world.Rpc.Executed.Count);
    });

    private static RosterEntry Lose(JobWorld world, string identity)
    {
        var node = world.Known.Nodes.First(one => one.Identity == identity);
        world.Known.Nodes.Remove(node);
        world.Known.Nodes.Add(node = node with { Liveness = NodeLiveness.Lost });
        return node;
    }
}
