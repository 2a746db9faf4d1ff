using ControlPlane.Jobs;
using CsCheck;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Whole jobs over overlays in memory.</summary>
public sealed class JobRunTests
{
    private static readonly Dictionary<string, int> OneOverlay = new() { ["a"] = 100 };

    /// <summary>A job whose nodes are asked how it stands when they do not answer.</summary>
    private static JobSpec Asked => JobWorld.Spec() with
    {
        Mode = JobMode.Reliable, Action = new JobAction("puppet", "runonce") { Status = new JobStatusAction("puppet", "status") },
    };

    [Fact]
    public Task AJobOfOneStage_AsksEachTargetOnce_AndCompletes() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec(), OneOverlay);
        await world.UntilEndedAsync();
        Assert.Equal(JobState.Completed, world.Job.State);
        Assert.Equal(100, world.Counts[TargetState.Succeeded]);
        Assert.All(world.Rpc.Executed.Values, times => Assert.Equal(1, times));
        Assert.Equal(100, world.Rpc.Executed.Count);
    });

    [Fact]
    public Task AStageIsNotBegun_BeforeTheOneBeforeItIsDone_AndHasBaked() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(new JobStage("canary", "10%") { Bake = TimeSpan.FromMinutes(5) }, new JobStage("rest", "100%"));
        using var world = new JobWorld(spec, OneOverlay);
        await world.UntilAsync(job => job.State == JobState.Baking);
        Assert.Equal(10, world.Rpc.Executed.Count);
        await world.StepAsync(TimeSpan.FromMinutes(4));
        Assert.Equal(10, world.Rpc.Executed.Count);
        await world.StepAsync(TimeSpan.FromMinutes(2));
        await world.UntilEndedAsync();
        Assert.Equal(100, world.Counts[TargetState.Succeeded]);
    });

    [Fact]
    public Task AtAManualGate_ItGoesOnWhenItIsAdvanced() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(new JobStage("canary", "5") { Gate = JobGate.Manual }, new JobStage("rest", "100%"));
        using var world = new JobWorld(spec, OneOverlay);
        await world.UntilAsync(job => job.State == JobState.AtGate);
        await world.StepAsync(TimeSpan.FromHours(1));
        Assert.Equal(5, world.Rpc.Executed.Count);
        world.Tell(job => JobCommand.Advance(job, 0, world.Now));
        await world.UntilEndedAsync();
        Assert.Equal(JobState.Completed, world.Job.State);
    });

    [Fact]
    public Task AThreshold_PausesTheJob_WithNoMoreFailuresThanItTakes_AndWhatWasUnderWay() => JobWorld.RunAsync(async () =>
    {
        const int concurrency = 40;
        var spec = JobWorld.Spec(new JobStage("all", "100%") { Concurrency = concurrency }) with
        {
            Thresholds =
            [
                new JobThreshold(ThresholdScope.Job, [TargetState.Failed], ThresholdAction.Pause) { Percent = 3, MinSample = 100 },
            ],
        };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 2_000 });
        world.Rpc.Answer = (node, _, _) => StableHash.Bucket(node, 20) == 0 ? 1 : 0;
        await world.UntilAsync(job => job.State == JobState.Paused);
        await world.StepAsync();
        var (failed, ended) = (world.Counts[TargetState.Failed], world.Counts.Ended);
        Assert.InRange(failed, 3, (int)(0.03 * ended) + concurrency);
        Assert.InRange(ended, 100, 1_000);
        Assert.Equal(2_000, world.Counts.All);

        // Nothing new is begun while it is paused; resumed, it counts from zero.
        await world.StepAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(ended, world.Rpc.Executed.Count);
        while (!world.Job.IsEnded)
        {
            world.Tell(JobCommand.Resume);
            await world.UntilAsync(job => job.State is JobState.Paused or JobState.Completed);
        }

        Assert.Equal(2_000, world.Counts.Ended);
    });

    [Fact]
    public Task ASiloThatEndsBetweenStoringAndSending_LeavesItsTargetsUnknown_AndAsksNobodyTwice() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec(new JobStage("all", "100%") { Concurrency = 10 }), OneOverlay);
        await world.StepAsync();
        world.EndAfter("a", written => written.Cells.Any(cell => (cell & 15) == (int)TargetState.Dispatched));
        await world.UntilEndedAsync();
        Assert.Equal(10, world.Counts[TargetState.Unknown]);
        Assert.Equal(90, world.Counts[TargetState.Succeeded]);
        Assert.All(world.Rpc.Executed.Values, times => Assert.Equal(1, times));
    });

    [Fact]
    public Task ANodeThatDoesNotAnswer_IsAskedHowTheActionStands_BeforeItIsSentItAgain() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with
        {
            Mode = JobMode.Reliable,
            Action = new JobAction("puppet", "runonce") { IsRepeatable = true, Status = new JobStatusAction("puppet", "status") },
            Retry = new JobRetry { On = [TargetState.Unknown], Max = 2 },
        };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 3 });

        // The first one did it and its reply was lost; the second one never got it; the third one answers.
        world.Rpc.Answer = (node, action, times) => (node, action) switch
        {
            ("a-0000", "runonce") => null,
            ("a-0000", "status") => 0,
            ("a-0001", "runonce") => times == 1 ? null : 0,
            ("a-0001", _) => null,
            _ => 0,
        };
        await world.UntilEndedAsync();
        Assert.Equal(3, world.Counts[TargetState.Succeeded]);
        Assert.Equal(1, world.Rpc.Executed[("a-0000", "runonce")]);
        Assert.Equal(2, world.Rpc.Executed[("a-0001", "runonce")]);
    });

    [Fact]
    public Task WhoIsAskedAbout_WhenTheSiloEnds_IsAskedAboutStill() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Asked, new Dictionary<string, int> { ["a"] = 1 });
        world.Rpc.Answer = (_, _, _) => null;
        await world.UntilAsync(_ => world.Counts[TargetState.Unknown] == 1);
        await world.KillAsync("a");
        world.Rpc.Answer = (_, action, _) => action == "status" ? 0 : null;
        await world.UntilEndedAsync();
        Assert.Equal(1, world.Counts[TargetState.Succeeded]);
        Assert.Equal(1, world.Rpc.Executed[("a-0000", "runonce")]);
    });

    [Theory]
    [InlineData(0, TargetState.Succeeded)]
    [InlineData(1, TargetState.Failed)]
    public Task WhoSaysThatItGoesOn_IsHeard_WhenItReplies(int status, TargetState state) => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Asked, new Dictionary<string, int> { ["a"] = 1 });
        world.Rpc.Answer = (_, action, _) => action == "status" ? 0 : null;
        world.Rpc.Data = (_, action, _) => action == "status" ? """{"running":true}""" : "{}";
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 1);
        world.Rpc.Reply("a-0000", "runonce", status);
        await world.UntilEndedAsync();
        Assert.Equal(1, world.Counts[state]);
    });

    [Fact]
    public Task WhoSaysThatItGoesOn_IsAskedAgain_UntilItHasEnded() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Asked, new Dictionary<string, int> { ["a"] = 1 });
        world.Rpc.Answer = (_, action, _) => action == "status" ? 0 : null;
        world.Rpc.Data = (_, action, times) => action == "status" && times < 4 ? """{"running":true}""" : "{}";
        await world.UntilEndedAsync();
        Assert.Equal(1, world.Counts[TargetState.Succeeded]);
    });

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public Task AStatusQuestion_ThatIsNotExecuted_SaysNothingOfTheAction(int code) => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Asked, new Dictionary<string, int> { ["a"] = 1 });
        world.Rpc.Answer = (_, action, _) => action == "status" ? code : null;
        await world.UntilEndedAsync();
        Assert.Equal(1, world.Counts[TargetState.Unknown]);
    });

    [Theory]
    [InlineData("""{"running":false,"exit_code":0}""", TargetState.Succeeded)]
    [InlineData("""{"running":false,"exit_code":3}""", TargetState.Failed)]
    public Task AnActionOfTheExecutor_IsFollowedToItsEnd_AlsoWhenTheSiloEnds(string end, TargetState state) => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with { Action = new JobAction("puppet", "runonce") { ExecutorId = "job" } };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 1 });
        world.Rpc.Data = (_, action, times) => action == "runonce" ? """{"job":"4711"}""" : times < 5 ? """{"running":true}""" : end;
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 1);
        await world.StepAsync(TimeSpan.FromSeconds(1));
        await world.KillAsync("a");
        await world.UntilEndedAsync();
        Assert.Equal(1, world.Counts[state]);
        Assert.Equal(5, world.Rpc.Executed[("a-0000", "status")]);
    });

    [Fact]
    public Task AnExecutorThatDoesNotKnowTheId_SaysNothingOfTheAction() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with { Action = new JobAction("puppet", "runonce") { ExecutorId = "job" } };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 1 });
        world.Rpc.Data = (_, _, _) => """{"job":"4711"}""";
        world.Rpc.Answer = (_, action, _) => action == "runonce" ? 0 : 1;
        await world.UntilEndedAsync();
        Assert.Equal(1, world.Counts[TargetState.TimedOut]);
    });

    [Fact]
    public Task ASiloThatEndsBeforeItStoresWhatFailed_TriesItAgainAllTheSame() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with { Retry = new JobRetry { On = [TargetState.Failed], Max = 1 } };
        using var world = new JobWorld(spec, OneOverlay);
        world.Rpc.Answer = (_, _, times) => times == 1 ? 1 : 0;
        await world.StepAsync();
        world.EndBefore("a", written => written.LogPosition > 0);
        await world.UntilEndedAsync();
        Assert.Equal(100, world.Counts[TargetState.Succeeded]);
        Assert.All(world.Rpc.Executed.Values, times => Assert.Equal(2, times));
    });

    [Fact]
    public Task WhatASiloThatEndedHadSent_CountsAsUnderWay_UntilItsTimeIsOver() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec(new JobStage("all", "100%") { Concurrency = 10 }), OneOverlay);
        world.Rpc.Answer = (_, _, _) => null;
        await world.UntilAsync(_ => world.Rpc.Executed.Count == 10);
        await world.KillAsync("a");
        await world.StepAsync(TimeSpan.FromSeconds(1));
        await world.StepAsync(TimeSpan.FromSeconds(58));
        Assert.Equal((10, 10), (world.Rpc.Executed.Count, world.Counts[TargetState.Unknown]));
        world.Rpc.Answer = (_, _, _) => 0;
        await world.UntilEndedAsync();
        Assert.Equal((90, 10), (world.Counts[TargetState.Succeeded], world.Counts[TargetState.Unknown]));
    });

    [Fact]
    public Task AnActionThatMayNotBeRepeated_IsNotSentAgain_AndStaysUnknown() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec() with { Mode = JobMode.Reliable }, new Dictionary<string, int> { ["a"] = 2 });
        world.Rpc.Answer = (node, _, _) => node == "a-0000" ? null : 0;
        await world.UntilEndedAsync();
        Assert.Equal(1, world.Counts[TargetState.Unknown]);
        Assert.Equal(JobState.Completed, world.Job.State);
        Assert.All(world.Rpc.Executed.Values, times => Assert.Equal(1, times));
    });

    [Fact]
    public Task AnAbortedJob_BeginsNothingMore_AndItsTargetsAddUp() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec(new JobStage("all", "100%") { RatePerMinute = 60 }), OneOverlay);
        await world.UntilAsync(_ => world.Rpc.Executed.Count > 5);
        world.Tell(job => JobCommand.Abort(job, "bob", "wrong nodes", world.Now));
        var begun = world.Rpc.Executed.Count;
        await world.StepAsync();
        await world.UntilEndedAsync();
        await world.StepAsync(TimeSpan.FromMinutes(5));
        Assert.InRange(world.Rpc.Executed.Count, begun, begun + 1);
        Assert.Equal(100, world.Counts.All);
        Assert.Equal(100 - world.Rpc.Executed.Count, world.Counts[TargetState.Cancelled]);
        Assert.Contains("wrong nodes", world.Job.Reason);
    });

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
                new JobThreshold(ThresholdScope.Overlay, [TargetState.Unknown], ThresholdAction.PauseOverlay) { Percent = 30, MinSample = 50 },
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task WhatWaitsForTheBrokers_IsNotSent_OnceTheJobIsPausedOrAborted(bool isAborted) => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec(new JobStage("all", "100%") { RatePerMinute = 60 }), OneOverlay);
        await world.UntilAsync(_ => world.Rpc.Executed.Count == 3);
        var brokers = new TaskCompletionSource();
        world.Rpc.Reconnects = brokers.Task;
        var stepping = world.StepAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(1, world.Rpc.Reconnecting);
        world.Tell(job => isAborted ? JobCommand.Abort(job, "bob", "", world.Now) : JobCommand.Pause(job, "bob", ""));
        world.Allot("a");
        await stepping;
        brokers.SetResult();
        world.Rpc.Reconnects = null;
        for (var second = 0; second < 10; second++)
        {
            await world.StepAsync(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(3, world.Rpc.Executed.Count);
        Assert.Equal(97, world.Counts[isAborted ? TargetState.Cancelled : TargetState.Pending]);
        if (!isAborted)
        {
            world.Tell(JobCommand.Resume);
            await world.UntilEndedAsync();
            Assert.Equal(100, world.Counts[TargetState.Succeeded]);
        }
    });

    [Fact]
    public Task WhileTheNetworkIsAway_NothingIsLost_AndNothingCountsAsSent() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec(), OneOverlay);
        world.Rpc.IsAway = true;
        await world.UntilAsync(job => job.State == JobState.Running);
        await world.StepAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(100, world.Counts[TargetState.Pending]);
        world.Rpc.IsAway = false;
        await world.UntilEndedAsync();
        Assert.Equal(100, world.Counts[TargetState.Succeeded]);
    });

    [Fact]
    public Task FailedTargets_CanBeTriedAgain_AndTheJobGoesOn() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec(), OneOverlay);
        world.Rpc.Answer = (node, _, times) => times == 1 && node.EndsWith('0') ? 1 : 0;
        await world.UntilAsync(job => job.State == JobState.Completed);
        Assert.Equal(10, world.Counts[TargetState.Failed]);
        world.Tell(job => JobCommand.Retry(job, [], world.Now));
        await world.UntilEndedAsync();
        Assert.Equal(100, world.Counts[TargetState.Succeeded]);
        Assert.Equal(110, world.Rpc.Executed.Values.Sum());
    });

    [Fact]
    public Task EveryResultIsLogged_OnceForEachAttempt() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(
            JobWorld.Spec() with { Retry = new JobRetry { On = [TargetState.Failed], Max = 3 } }, OneOverlay);
        world.Rpc.Answer = (_, _, times) => times < 3 ? 1 : 0;
        await world.UntilEndedAsync();
        var results = await world.ResultsAsync("a");
        Assert.Equal(300, results.Count);
        Assert.Equal(300, results.Select(result => (result.Identity, result.Attempt)).Distinct().Count());
        Assert.Equal(100, world.Counts[TargetState.Succeeded]);
    });

    // Whatever nodes do and whenever silos end: nobody is given an attempt twice, limits hold, and the counts add up.
    [Fact]
    public void AnyJob_KeepsItsPromises_WhereverSilosEnd() =>
        Gen.Select(Gen.Int[1, 3], Gen.Int[0, 30], Gen.Int[1, 12], Gen.Int[0, 1_000_000], Gen.Int[0, 8].Array[0, 6]).Sample(
            (overlays, nodes, concurrency, seed, kills) => JobWorld.RunAsync(() => RunAsync(overlays, nodes, concurrency, seed, kills))
                .GetAwaiter().GetResult(),
            iter: 150);

    // However operators command, and however often: it adds up, and an end is one.
    [Fact]
    public void AnyCommands_LeaveAJobThatAddsUp_AndNothingIsBegunAfterItsEnd() => Gen.Select(Gen.Int[1, 3], Gen.Int[0, 1_000_000]).Sample(
        (overlays, seed) => JobWorld.RunAsync(() => CommandAsync(overlays, new Random(seed))).GetAwaiter().GetResult(), iter: 150);

    private static async Task CommandAsync(int overlays, Random random)
    {
        var spec = JobWorld.Spec(
            new JobStage("canary", "10%") { Gate = JobGate.Manual }, new JobStage("rest", "100%") { RatePerMinute = 120 });
        using var world = new JobWorld(spec, Enumerable.Range(0, overlays).ToDictionary(number => $"{(char)('a' + number)}", _ => 40));
        world.Rpc.Answer = (_, _, _) => random.Next(4) switch { 0 => 1, 1 => null, _ => 0 };
        for (var step = 0; step < 60; step++)
        {
            for (var times = random.Next(6); times > 0; times--)
            {
                world.TellIfPossible(random.Next(12) switch
                {
                    0 or 1 or 2 => job => JobCommand.Pause(job, "bob", ""),
                    3 or 4 or 5 => JobCommand.Resume,
                    6 or 7 => job => JobCommand.Advance(job, job.Stage, world.Now),
                    8 or 9 => job => JobCommand.Retry(job, [], world.Now),
                    10 when step > 20 => job => JobCommand.Abort(job, "bob", "", world.Now),
                    _ => job => JobCommand.Approve(job, "bob", ""),
                });
            }

            await world.StepAsync(TimeSpan.FromSeconds(random.Next(1, 30)));
            Assert.Equal(40 * overlays, world.Counts.All);
        }

        world.TellIfPossible(job => JobCommand.Abort(job, "bob", "", world.Now));
        await world.StepAsync();
        var begun = world.Rpc.Executed.Values.Sum();
        await world.UntilEndedAsync();
        await world.StepAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(begun, world.Rpc.Executed.Values.Sum());
        Assert.Equal(40 * overlays, world.Counts.Ended + world.Counts[TargetState.Unknown]);
    }

    private static async Task RunAsync(int overlays, int nodes, int concurrency, int seed, int[] kills)
    {
        var random = new Random(seed);
        var spec = JobWorld.Spec(
            new JobStage("canary", "10%") { Concurrency = concurrency }, new JobStage("rest", "100%") { Concurrency = concurrency }) with
        {
            Action = new JobAction("puppet", "runonce") { IsRepeatable = true },
            Retry = new JobRetry { On = [TargetState.Failed, TargetState.TimedOut], Max = 2 },
        };
        using var world = new JobWorld(
            spec,
            Enumerable.Range(0, overlays).ToDictionary(number => $"{(char)('a' + number)}", _ => random.Next(nodes + 1)),
            sendsAtOnce: 8);
        world.Rpc.Answer = (_, _, _) => random.Next(4) switch { 0 => 1, 1 => null, _ => 0 };
        var attempts = new Dictionary<string, int>();
        world.Rpc.OnSend = node => attempts[node] = attempts.GetValueOrDefault(node) + 1;
        for (var step = 0; step < 2_000 && !world.Job.IsSettled; step++)
        {
            if (kills.Contains(step))
            {
                var overlay = world.Job.Overlays[random.Next(overlays)].Overlay;
                if (random.Next(2) == 0)
                {
                    await world.KillAsync(overlay);
                }
                else
                {
                    world.EndBefore(overlay, _ => true);
                }
            }

            await world.StepAsync(TimeSpan.FromSeconds(random.Next(1, 90)));
            Assert.Equal(world.Job.Overlays.Sum(share => share.Targets), world.Counts.All);
            Assert.All(world.Job.ToSnapshot("job").StageCounts, counts => Assert.All(counts.ByState, count => Assert.True(count >= 0)));
            Assert.True(
                world.Counts[TargetState.Dispatched] <= concurrency,
                $"{world.Counts[TargetState.Dispatched]} of {concurrency} are under way");
        }

        Assert.True(world.Job.IsSettled, $"it is {world.Job.State}: {world.Job.Reason}");
        foreach (var share in world.Job.Overlays)
        {
            var targets = world.TargetsIn(share.Overlay);
            Assert.Equal(targets.Count, share.Report!.Counts.All);
            Assert.All(targets, target => Assert.InRange(attempts.GetValueOrDefault(target.Identity), 0, target.Attempts));
            Assert.All(targets, target => Assert.InRange(target.Attempts, 0, 3));
            Assert.All(
                targets.Where(target => spec.Retry.On.Contains(target.State)), target => Assert.Equal(spec.Retry.Max + 1, target.Attempts));
        }
    }
}
