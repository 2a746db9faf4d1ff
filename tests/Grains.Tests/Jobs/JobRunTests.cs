using ControlPlane.Jobs;
using CsCheck;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Whole jobs over overlays in memory.</summary>
public sealed class JobRunTests
{
    private static readonly Dictionary<string, int> OneOverlay = new() { ["a"] = 100 };

    /// <summary>Four parts send at once on a silo; those that end while they wait for that must not keep the others from it.</summary>
    [Fact]
    public Task APartThatEnds_WhileItWaitsForItsTurn_LeavesItToTheOthers() => JobWorld.RunAsync(async () =>
    {
        string[] overlays = [.. Enumerable.Range(0, 12).Select(number => $"o{number}")];
        using var world = new JobWorld(JobWorld.Spec(), overlays.ToDictionary(overlay => overlay, _ => 1));
        var brokers = new TaskCompletionSource();
        world.Rpc.Reconnects = brokers.Task;
        await world.StepAsync();
        foreach (var overlay in overlays)
        {
            world.Allot(overlay);
        }

        foreach (var overlay in overlays[4..])
        {
            await world.KillAsync(overlay);
        }

        Assert.Equal(4, world.Rpc.Reconnecting);
        brokers.SetResult();
        await world.UntilEndedAsync();
        Assert.Equal(overlays.Length, world.Counts[TargetState.Succeeded]);
    });

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
