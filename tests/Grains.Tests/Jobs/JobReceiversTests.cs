using ControlPlane.Jobs;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Who is told of a job's events, and asked at its gates.</summary>
public sealed class JobReceiversTests
{
    private static readonly Dictionary<string, int> OneOverlay = new() { ["a"] = 20 };
    private static readonly JobNotify ChatAndNats = new() { WebHooks = ["chat"], Nats = true };

    private static JobSpec Gated => JobWorld.Spec(
        new JobStage("canary", "5") { Gate = JobGate.WebHook, GateWebHook = "board" }, new JobStage("rest", "100%"));

    [Fact]
    public Task EachChangeOfState_IsTold_InOrder_AsACloudEvent() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(new JobStage("canary", "5") { Gate = JobGate.Manual }, new JobStage("rest", "100%")) with
        {
            Notify = ChatAndNats, Action = new JobAction("puppet", "runonce", """{"password":"planted-4711"}"""),
        };
        using var world = new JobWorld(spec, OneOverlay);
        await world.UntilAsync(job => job.State == JobState.AtGate);
        world.Tell(job => JobCommand.Pause(job, "alice", "lunch"));
        await world.StepAsync();
        world.Tell(JobCommand.Resume);
        await world.StepAsync();
        world.Tell(job => JobCommand.Advance(job, 0, world.Now));
        await world.UntilEndedAsync();

        string[] kinds = ["submitted", "started", "stage-done", "at-gate", "paused", "resumed", "stage-started", "ended"];
        Assert.Equal(kinds, world.Receivers.KindsTo("chat"));
        Assert.Equal(kinds, world.Receivers.KindsTo(FakeReceivers.Nats));
        Assert.Equal(kinds.Select(kind => $"controlplane.job.job.{kind}"), world.Receivers.Subjects);
        Assert.DoesNotContain(world.Receivers.Sent, one => one.Event.GetRawText().Contains("planted", StringComparison.Ordinal));

        var (_, id, told) = world.Receivers.Sent.Last(one => one.Receiver == "chat");
        var versions = world.Receivers.Sent.Where(one => one.Receiver == "chat")
            .Select(one => one.Event.GetProperty("data").GetProperty("version").GetInt32()).ToArray();
        Assert.Equal(versions.Order().Distinct(), versions);
        Assert.Equal($"job/{versions[^1]}", id);
        Assert.Equal(
            ("1.0", id, "a", "controlplane.job.ended.v1", "application/json"),
            (told.GetProperty("specversion").GetString(), told.GetProperty("id").GetString(), told.GetProperty("source").GetString(),
                told.GetProperty("type").GetString(), told.GetProperty("datacontenttype").GetString()));
        var data = told.GetProperty("data");
        Assert.Equal(
            ("completed", "rest", 20),
            (data.GetProperty("state").GetString(), data.GetProperty("stageName").GetString(),
                data.GetProperty("counts").GetProperty("succeeded").GetInt32()));
    });

    [Fact]
    public Task AThresholdThatPausesOneOverlay_IsTold_AndThatItGoesOn() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(JobStage.All with { Concurrency = 4 }) with
        {
            Notify = new JobNotify { WebHooks = ["chat"] },
            Thresholds = [new JobThreshold(ThresholdScope.Overlay, [TargetState.Failed], ThresholdAction.PauseOverlay) { Count = 1 }],
        };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 20, ["b"] = 20, ["c"] = 20 });
        world.Rpc.Answer = (node, _, _) => node.StartsWith('a') ? 0 : 1;
        await world.UntilAsync(job => job.Overlays.Count(share => share.PausedBecause is not null) == 2);
        await world.StepAsync();
        world.Rpc.Answer = (_, _, _) => 0;
        world.Tell(JobCommand.Resume);
        await world.UntilEndedAsync();

        var ofOverlays = world.Receivers.Sent.Select(one => one.Event.GetProperty("data"))
            .Where(data => data.TryGetProperty("overlay", out _))
            .Select(data => (data.GetProperty("overlay").GetString(), data.GetProperty("reason").GetString()!)).ToArray();
        Assert.Equal(["b", "c", "b", "c"], ofOverlays.Select(one => one.Item1));
        Assert.Contains("the threshold of 1 failed was reached in b", ofOverlays[0].Item2);
        Assert.Equal(
            ["submitted", "started", "overlay-paused", "overlay-paused", "overlay-resumed", "overlay-resumed", "ended"],
            world.Receivers.KindsTo("chat"));
    });

    [Fact]
    public Task AHookThatDoesNotAnswer_HoldsUpNobody_AndIsGivenUp() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec() with { Notify = new JobNotify { WebHooks = ["dead", "chat"] } };
        using var world = new JobWorld(spec, OneOverlay);
        world.Receivers.Answer = receiver => Task.FromResult(receiver == "dead" ? null : "");
        await world.UntilAsync(job => job.IsEnded, stepsMax: 20);
        await world.StepAsync();
        Assert.Equal(["submitted", "started", "ended"], world.Receivers.KindsTo("chat"));

        for (var minutes = 0; minutes < 59; minutes++)
        {
            await world.StepAsync(TimeSpan.FromMinutes(1));
        }

        Assert.False(world.Job.IsSettled);
        Assert.InRange(world.Receivers.KindsTo("dead").Count(), 30, 70);
        await world.StepAsync(TimeSpan.FromMinutes(2));
        Assert.True(world.Job.IsSettled);
    });

    [Fact]
    public Task AHookThatWasAway_IsToldTheNewestOfEachKind() => JobWorld.RunAsync(async () =>
    {
        var spec = JobWorld.Spec(new JobStage("canary", "5") { Gate = JobGate.Manual }, new JobStage("rest", "100%")) with
        {
            Notify = new JobNotify { WebHooks = ["chat"] },
        };
        using var world = new JobWorld(spec, OneOverlay);
        world.Receivers.Answer = _ => Task.FromResult<string?>(null);
        await world.UntilAsync(job => job.State == JobState.AtGate);
        for (var times = 0; times < 5; times++)
        {
            world.Tell(job => JobCommand.Pause(job, "alice", $"pause {times}"));
            world.Tell(JobCommand.Resume);
        }

        world.Receivers.Sent.Clear();
        world.Receivers.Answer = _ => Task.FromResult<string?>("");
        await world.StepAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(["submitted", "started", "stage-done", "at-gate", "paused", "resumed"], world.Receivers.KindsTo("chat"));
        Assert.Contains("pause 4", world.Receivers.Sent[4].Event.GetRawText());
        Assert.Empty(world.Job.Notices);
    });

    [Fact]
    public Task WhatWasNotToldWhenTheSiloEnded_IsTold_UnderTheSameId() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(JobWorld.Spec() with { Notify = new JobNotify { WebHooks = ["chat"] } }, OneOverlay);

        // The event is stored, and the silo ends before anybody is told.
        world.KillJob();
        var slow = new TaskCompletionSource<string?>();
        world.Receivers.Answer = _ => slow.Task;
        await world.StepAsync();
        Assert.Equal(["submitted"], world.Receivers.KindsTo("chat"));

        // The hook has taken it, and the silo ends before that is stored.
        world.KillJob();
        world.Receivers.Answer = _ => Task.FromResult<string?>("");
        slow.SetResult("");
        await world.UntilEndedAsync();
        Assert.Equal(["submitted", "submitted", "started", "ended"], world.Receivers.KindsTo("chat"));
        Assert.Equal(world.Receivers.Sent[0].Id, world.Receivers.Sent[1].Id);
        Assert.Equal(world.Receivers.Sent[0].Event.GetRawText(), world.Receivers.Sent[1].Event.GetRawText());
    });

    [Fact]
    public Task AtTheGateOfAWebHook_ItWaits_AndGoesOn_AsTheHookSays() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Gated, OneOverlay);
        world.Receivers.Answer = _ => Task.FromResult<string?>(null);
        await world.UntilAsync(job => job.Reason.Contains("away", StringComparison.Ordinal));
        await world.StepAsync(TimeSpan.FromMinutes(1));
        Assert.Single(world.Receivers.Sent.Select(one => one.Id).Distinct());
        Assert.Equal("controlplane.job.gate.v1", world.Receivers.Sent[0].Event.GetProperty("type").GetString());

        world.Receivers.Answer = _ => Task.FromResult<string?>("""{"decision":"wait","reason":"CHG-1 is not approved"}""");
        await world.StepAsync(TimeSpan.FromMinutes(2));
        Assert.Equal((JobState.AtGate, "the web hook board says wait: CHG-1 is not approved"), (world.Job.State, world.Job.Reason));
        var asked = world.Receivers.Sent.Count;
        await world.StepAsync(TimeSpan.FromSeconds(29));
        Assert.Equal(asked, world.Receivers.Sent.Count);
        await world.StepAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(asked + 1, world.Receivers.Sent.Count);
        Assert.Equal("job/gate-0-2", world.Receivers.Sent[^1].Id);
        Assert.Equal(5, world.Rpc.Executed.Count);

        world.KillJob();
        world.Receivers.Answer = _ => Task.FromResult<string?>("""{"decision":"proceed"}""");
        await world.UntilEndedAsync();
        Assert.Equal(20, world.Counts[TargetState.Succeeded]);
    });

    [Fact]
    public Task AWebHookThatSaysStop_PausesTheJob_UntilSomebodyAdvancesIt() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(Gated, OneOverlay);
        world.Receivers.Answer = _ => Task.FromResult<string?>("""{"decision":"stop","reason":"freeze\n until Monday"}""");
        await world.UntilAsync(job => job.State == JobState.Paused);
        Assert.Equal("the web hook board says stop: freeze until Monday", world.Job.Reason);

        // Resumed, it is asked once more.
        world.Tell(JobCommand.Resume);
        await world.UntilAsync(job => job.State == JobState.Paused);
        Assert.Equal(["job/gate-0-1", "job/gate-0-2"], world.Receivers.Sent.Select(one => one.Id));

        world.Tell(job => JobCommand.Advance(job, 0, world.Now));
        await world.UntilEndedAsync();
        Assert.Equal(20, world.Counts[TargetState.Succeeded]);
    });

    [Theory]
    [InlineData("")]
    [InlineData("yes")]
    [InlineData("null")]
    [InlineData("""{"decision":"maybe"}""")]
    [InlineData("""{"decision":1}""")]
    [InlineData("""{"reason":"fine"}""")]
    public void WhatIsNoDecision_IsNoAnswer(string text) =>
        Assert.Null(JobGates.Read(new GateQuestion(0, 1, default), text).Decision);

    [Fact]
    public void AnAnswerToAnEarlierQuestion_ChangesNothing()
    {
        var job = new JobRecord
        {
            Spec = Gated, State = JobState.AtGate, StartedAt = DateTimeOffset.UnixEpoch, Question = new GateQuestion(0, 2, default),
        };
        var facts = new JobFacts(DateTimeOffset.UnixEpoch, new JobsOptions());
        Assert.Same(job, JobDecision.Next(job, facts with { Gate = new GateAnswer(0, 1, GateDecision.Proceed, "") }));
        var proceeding = JobDecision.Next(job, facts with { Gate = new GateAnswer(0, 2, GateDecision.Proceed, "") });
        Assert.Equal(1, proceeding.Stage);
    }

    [Fact]
    public void WebHooksThatAreNotConfigured_AreNamed_WithThoseThatAre()
    {
        var spec = Gated with { Notify = new JobNotify { WebHooks = ["chat", "mail"] } };
        Assert.Equal(
            [
                "notify.webHooks: there is no web hook 'mail'; Jobs:WebHooks has chat",
                "stages[0].webHook: there is no web hook 'board'; Jobs:WebHooks has chat",
            ],
            JobSpecCheck.UnknownWebHooks(spec, ["chat"]));
        Assert.Contains("Jobs:WebHooks has none", JobSpecCheck.UnknownWebHooks(spec, []).First());
        Assert.Empty(JobSpecCheck.UnknownWebHooks(spec, ["board", "chat", "mail"]));
    }
}
