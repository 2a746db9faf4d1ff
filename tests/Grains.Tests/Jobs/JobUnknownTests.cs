using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>What becomes of targets that did not answer, or whose silo ended before they did.</summary>
public sealed class JobUnknownTests
{
    private static readonly Dictionary<string, int> OneOverlay = new() { ["a"] = 100 };

    /// <summary>A job whose nodes are asked how it stands when they do not answer.</summary>
    private static JobSpec Asked => JobWorld.Spec() with
    {
        Mode = JobMode.Reliable, Action = new JobAction("puppet", "runonce") { Status = new JobStatusAction("puppet", "status") },
    };

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
}
