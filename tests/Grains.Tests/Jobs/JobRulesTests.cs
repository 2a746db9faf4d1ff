using System.Globalization;
using ControlPlane.Access;
using ControlPlane.Flow;
using ControlPlane.Jobs;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>The rules of jobs that are one function each.</summary>
public sealed class JobRulesTests
{
    private static readonly JobSpec Good = JobWorld.Spec();

    public static TheoryData<string, Func<JobSpec, JobSpec>> Faults => new()
    {
        { "targets must name nodes in one way", spec => spec with { Targets = new JobTargets() } },
        { "targets must name nodes in one way", spec => spec with { Targets = spec.Targets with { Identities = ["n1"] } } },
        { "is not the identity of a node", spec => spec with { Targets = new JobTargets { Identities = ["a b"] } } },
        { "stages must be 1 to 20", spec => spec with { Stages = [] } },
        { "size must be 100%", spec => spec with { Stages = [new JobStage("all", "50%")] } },
        { "stages[0].size must be a number", spec => spec with { Stages = [new JobStage("all", "x")] } },
        { "stages[0].webHook must name", spec => spec with { Stages = [JobStage.All with { Gate = JobGate.WebHook }] } },
        { "stages[0].concurrencyPerOverlay must be 1", spec => spec with { Stages = [JobStage.All with { ConcurrencyPerOverlay = 0 }] } },
        { "stages[0].webHook must name", spec => spec with { Stages = [JobStage.All with { GateWebHook = "board" }] } },
        { "notify.webHooks must be at most 10", spec => spec with { Notify = new JobNotify { WebHooks = ["chat", "chat"] } } },
        { "two are named 'all'", spec => spec with { Stages = [JobStage.All, JobStage.All] } },
        { "must have a count or a percent", spec => Limited(spec, [TargetState.Failed], null, null) },
        { "must have a count or a percent", spec => Limited(spec, [TargetState.Failed], 1, 1) },
        { "percent must be above 0", spec => Limited(spec, [TargetState.Failed], null, 0) },
        { "states must be some of failed", spec => Limited(spec, [TargetState.Succeeded], 1, null) },
        { "retry.on can have timedOut", spec => spec with { Retry = new JobRetry { On = [TargetState.TimedOut], Max = 1 } } },
        { "retry.max must be 0 to 14", spec => spec with { Retry = new JobRetry { Max = 15 } } },
        { "timeouts.delivery", spec => spec with { Timeouts = new JobTimeouts { Delivery = TimeSpan.Zero } } },
        { "is not a time zone", spec => spec with { Window = new JobWindow(new TimeOnly(1, 0), new TimeOnly(2, 0)) { Zone = "Nowhere" } } },
        { "action must name an agent", spec => spec with { Action = new JobAction("", "x") } },
        { "after must be at most 20 ids", spec => spec with { After = ["Not An Id"] } },
    };

    [Fact]
    public void ASpecificationWithoutFaults_HasNone() => Assert.Empty(JobSpecCheck.Faults(Good));

    [Theory]
    [MemberData(nameof(Faults))]
    public void AFaultOfASpecification_IsNamed(string fault, Func<JobSpec, JobSpec> change) =>
        Assert.Contains(fault, Assert.Single(JobSpecCheck.Faults(change(Good))));

    [Fact]
    public void AllFaults_AreNamedAtOnce() =>
        Assert.Equal(3, JobSpecCheck.Faults(Good with { Targets = new JobTargets(), Stages = [], Action = new JobAction("", "") }).Count);

    [Theory]
    [InlineData("22:00", "05:00", "2026-11-30T23:00:00Z", true)]
    [InlineData("22:00", "05:00", "2026-11-30T04:59:00Z", true)]
    [InlineData("22:00", "05:00", "2026-11-30T05:00:00Z", false)]
    [InlineData("22:00", "05:00", "2026-11-30T12:00:00Z", false)]
    [InlineData("09:00", "17:00", "2026-11-30T09:00:00Z", true)]
    [InlineData("09:00", "17:00", "2026-11-30T17:00:00Z", false)]
    public void AWindow_IsOpen_FromItsBeginToItsEnd(string from, string to, string now, bool isOpen) => Assert.Equal(
        isOpen,
        WindowCheck.IsOpen(
            new JobWindow(Time(from), Time(to)), overlayZone: null, DateTimeOffset.Parse(now, CultureInfo.InvariantCulture)));

    [Fact]
    public void AWindow_IsInTheZoneOfTheOverlay_UnlessItNamesOne()
    {
        var window = new JobWindow(Time("09:00"), Time("10:00"));
        var noon = new DateTimeOffset(2026, 11, 30, 14, 30, 0, TimeSpan.Zero);
        Assert.True(WindowCheck.IsOpen(window, "America/New_York", noon));
        Assert.False(WindowCheck.IsOpen(window with { Zone = "UTC" }, "America/New_York", noon));
    }

    [Fact]
    public void AWindowOverMidnight_IsOfTheDayOnWhichItOpened()
    {
        var window = new JobWindow(Time("22:00"), Time("05:00")) { Days = [DayOfWeek.Saturday] };
        Assert.True(WindowCheck.IsOpen(window, null, new DateTimeOffset(2026, 11, 29, 4, 0, 0, TimeSpan.Zero)));
        Assert.False(WindowCheck.IsOpen(window, null, new DateTimeOffset(2026, 11, 29, 23, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void ATargetTable_CountsWhatItHolds()
    {
        var table = new TargetTable(new byte[10], [3, 10]);
        table.Dispatch(0);
        table.Dispatch(5);
        table.Set(5, TargetState.Failed);
        table.Dispatch(5);
        Assert.Equal((TargetState.Dispatched, 2, 1), (table[5], table.AttemptsOf(5), table.StageOf(5)));
        Assert.Equal(2, table.CountOf(TargetState.Dispatched));
        Assert.Equal(2, table.CountOf(TargetState.Pending, 0));
        table.Undo(5);
        Assert.Equal((TargetState.Pending, 1), (table[5], table.AttemptsOf(5)));
        Assert.Equal(table.ToBytes(), new TargetTable(table.ToBytes(), [3, 10]).ToBytes());
        Assert.Equal(10, TargetCounts.Sum(table.Counts).All);
    }

    [Fact]
    public void TheSameSeed_GivesTheSameOrder_AndAnotherAnother()
    {
        string[] nodes = [.. Enumerable.Range(0, 50).Select(number => $"n{number:00}")];
        Assert.Equal(TargetOrder.Order(nodes, node => node, 1), TargetOrder.Order(nodes.Reverse(), node => node, 1));
        Assert.NotEqual(TargetOrder.Order(nodes, node => node, 1), TargetOrder.Order(nodes, node => node, 2));
        Assert.Equal(nodes, TargetOrder.Order(nodes.Reverse(), node => node, null));
    }

    [Fact]
    public async Task AllPartsOfAnEmergency_GoBeforeOtherJobs_WhichTakeTurns()
    {
        using var gate = new Gate(new GateBounds("batches", "sending", 4, 1_000, TimeSpan.FromSeconds(1)), TimeProvider.System);
        var places = Enumerable.Range(0, 4).Select(job => Enter($"job{job}", "a", JobPriority.Normal)).ToArray();
        var others = Enumerable.Range(0, 200).Select(job => Enter($"job{job}", "b", JobPriority.Normal)).ToArray();
        var urgent = Enumerable.Range(0, 4).Select(part => Enter("urgent", $"{part}", JobPriority.Emergency)).ToArray();
        Assert.All(urgent, one => Assert.False(one.IsCompleted));

        await LeaveAsync(places);
        await LeaveAsync(urgent);
        await LeaveAsync(others[..4]);

        // All of them are in before any leaves.
        static async Task LeaveAsync(IEnumerable<Task<GateVerdict>> entering)
        {
            var inside = await Task.WhenAll(entering).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
            Assert.All(inside, verdict => Assert.IsType<GateVerdict.Admitted>(verdict).Dispose());
        }

        Task<GateVerdict> Enter(string job, string overlay, JobPriority priority) => gate.EnterAsync(
            JobContext.TicketOf(new OverlayJobOrder(
                job, overlay, "site", Good with { Priority = priority }, JobSubmitter.Of(Caller.Local))),
            TestContext.Current.CancellationToken);
    }

    [Fact]
    public void WhoSubmittedAJob_CannotApproveIt()
    {
        var waiting = new JobRecord
        {
            Spec = Good,
            State = JobState.AwaitingApproval,
            Submitter = JobSubmitter.Of(new Caller { Principal = "alice", Method = CallerMethod.Oidc }),
        };
        Assert.Equal(JobRefusal.SameCaller, JobCommand.Approve(waiting, "alice", "").Refusal);
        Assert.Equal("bob", JobCommand.Approve(waiting, "bob", "").Job!.ApprovedBy);
    }

    [Fact]
    public void AJobOfManyNodes_WaitsForApproval_AndOfTooMany_DoesNotBegin()
    {
        Assert.Equal(JobState.AwaitingApproval, Prepared(100, new JobsOptions { ApproveAbove = 99 }).State);
        Assert.Equal(JobState.Waiting, Prepared(100, new JobsOptions { ApproveAbove = 100 }, Later).State);
        Assert.Equal(JobState.AwaitingApproval, Prepared(1, new JobsOptions { ApproveActions = ["puppet#*"] }).State);
        Assert.Equal(JobState.Failed, Prepared(101, new JobsOptions { TargetsMax = 100 }).State);
        Assert.Equal(JobState.Completed, Prepared(0, new JobsOptions()).State);
    }

    [Theory]
    [InlineData(JobState.Preparing, "Abort")]
    [InlineData(JobState.AwaitingApproval, "Approve Abort")]
    [InlineData(JobState.Waiting, "Abort")]
    [InlineData(JobState.Running, "Pause Retry Abort")]
    [InlineData(JobState.Baking, "Pause Advance Retry Abort")]
    [InlineData(JobState.Paused, "Resume Retry Abort")]
    [InlineData(JobState.Completed, "Retry")]
    [InlineData(JobState.Aborted, "")]
    public void WhatCanBeDone_IsWhatIsNotRefused(JobState state, string verbs)
    {
        var hasStarted = state is not (JobState.Preparing or JobState.AwaitingApproval or JobState.Waiting);
        var job = new JobRecord { Spec = Good, State = state, StartedAt = hasStarted ? DateTimeOffset.UnixEpoch : null };
        Assert.Equal(verbs, string.Join(' ', JobCommand.Possible(job)));
    }

    [Fact]
    public void AJobThatItsWebHookStopped_CanBeAdvanced_AndOneOverlayThatIsPaused_Resumed()
    {
        var stopped = new JobRecord
        {
            Spec = Good, State = JobState.Paused, PausedFrom = JobState.AtGate, Question = new GateQuestion(0, 1, DateTimeOffset.UnixEpoch),
        };
        Assert.Contains(JobVerb.Advance, JobCommand.Possible(stopped));
        var running = new JobRecord
        {
            Spec = Good, State = JobState.Running, Overlays = [new OverlayShare("a") { PausedBecause = "failures" }],
        };
        Assert.Contains(JobVerb.Resume, JobCommand.Possible(running));
    }

    private static JobSpec Later => Good with { StartAt = DateTimeOffset.MaxValue };

    private static JobRecord Prepared(int targets, JobsOptions options, JobSpec? spec = null) => JobDecision.Next(
        new JobRecord
        {
            Spec = spec ?? Good,
            Version = 1,
            Overlays =
            [
                new OverlayShare("a")
                {
                    Report = new OverlayReport { IsPrepared = true, Targets = targets },
                },
            ],
        },
        new JobFacts(DateTimeOffset.UnixEpoch, options));

    private static JobSpec Limited(JobSpec spec, IReadOnlyList<TargetState> states, int? count, double? percent) => spec with
    {
        Thresholds = [new JobThreshold(ThresholdScope.Job, states, ThresholdAction.Pause) { Count = count, Percent = percent }],
    };

    private static TimeOnly Time(string text) => TimeOnly.Parse(text, CultureInfo.InvariantCulture);
}
