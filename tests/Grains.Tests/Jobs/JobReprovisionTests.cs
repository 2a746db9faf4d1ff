using ControlPlane.Jobs;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Jobs that have nodes enrol anew.</summary>
public sealed class JobReprovisionTests
{
    private static readonly Dictionary<string, int> OneOverlay = new() { ["a"] = 40 };

    [Fact]
    public Task ATarget_GoesOn_UntilItHasArrivedAgain() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(EnrollingNodes.Spec(), OneOverlay);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 40);
        await world.StepAsync(TimeSpan.FromMinutes(10));
        Assert.Equal((40, JobState.Running), (world.Counts[TargetState.Running], world.Job.State));

        world.Nodes.ArriveAll();
        await world.UntilEndedAsync();
        Assert.Equal((JobState.Completed, 40), (world.Job.State, world.Counts[TargetState.Succeeded]));
        Assert.All(world.Nodes.Enrolled.Values, times => Assert.Equal(1, times));
        Assert.Empty(world.Rpc.Executed);
        var results = await world.Results.ReadAsync("job@a", 0, CancellationToken.None).SelectMany(record => record.Results).ToListAsync();
        Assert.Contains(results, result => result is { Message: "it has arrived in a", DataJson: """{"overlay":"a"}""" });
    });

    [Fact]
    public Task ATarget_ThatIsRefused_HasFailed_AndOneThatNeverArrives_HasTimedOut() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(EnrollingNodes.Spec(), OneOverlay);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 40);
        world.Nodes.End(identity => identity == "a-0007" ? ReprovisionStatus.Failed("its token is of another site") : null);
        await world.UntilAsync(_ => world.Counts[TargetState.Failed] == 1);
        await world.StepAsync(TimeSpan.FromMinutes(31));
        await world.UntilEndedAsync();
        Assert.Equal((1, 39), (world.Counts[TargetState.Failed], world.Counts[TargetState.TimedOut]));
    });

    [Fact]
    public Task NoMoreEnrolAtOnce_ThanTheStageLets() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(EnrollingNodes.Spec(concurrency: 4), OneOverlay);
        while (!world.Job.IsEnded)
        {
            await world.StepAsync(TimeSpan.FromSeconds(1));
            world.Nodes.ArriveAll();
        }

        Assert.Equal((4, 40), (world.Nodes.UnderWayMax, world.Counts[TargetState.Succeeded]));
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task ASiloThatEnds_BeforeOrAfterTheNodeIsAsked_HasItEnrolOnce(bool isAsked) => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(EnrollingNodes.Spec(concurrency: 10), OneOverlay);
        await world.StepAsync();
        if (isAsked)
        {
            // It was asked, and what it answered is stored by nobody.
            world.EndAfter("a", written => written.Cells.Any(cell => (cell & 15) == (int)TargetState.Running));
        }
        else
        {
            world.EndAfter("a", written => written.Cells.Any(cell => (cell & 15) == (int)TargetState.Dispatched));
        }

        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 10);
        Assert.Equal(10, world.Nodes.Enrolled.Count);
        while (!world.Job.IsEnded)
        {
            world.Nodes.ArriveAll();
            await world.StepAsync(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(40, world.Counts[TargetState.Succeeded]);
        Assert.All(world.Nodes.Enrolled.Values, times => Assert.Equal(1, times));
    });

    [Fact]
    public Task WhatIsUnknown_IsAskedForOnceMore_AlsoByTheSiloAfterTheNext() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(EnrollingNodes.Spec(), OneOverlay);
        world.Nodes.OnAsked = _ => throw new TimeoutException("the silo of its grain has ended");
        await world.UntilAsync(_ => world.Counts[TargetState.Unknown] == 40);
        await world.KillAsync("a");
        await world.StepAsync(TimeSpan.FromSeconds(3));
        await world.KillAsync("a");
        world.Nodes.OnAsked = null;
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 40);
        world.Nodes.ArriveAll();
        await world.UntilEndedAsync();
        Assert.Equal(40, world.Counts[TargetState.Succeeded]);
        Assert.All(world.Nodes.Enrolled.Values, times => Assert.Equal(1, times));
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task AQuestionOrAnswerThatIsLost_IsAskedAgain_InTheSameName(bool isAnswer) => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(EnrollingNodes.Spec(), OneOverlay);
        var lost = 0;
        void Lose(string identity)
        {
            if (lost++ < 60)
            {
                throw new TimeoutException("the silo of its grain has ended");
            }
        }

        world.Nodes.OnAsk = isAnswer ? null : Lose;
        world.Nodes.OnAsked = isAnswer ? Lose : null;
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 40);
        world.Nodes.ArriveAll();
        await world.UntilEndedAsync();
        Assert.Equal(40, world.Counts[TargetState.Succeeded]);
        Assert.All(world.Nodes.Enrolled.Values, times => Assert.Equal(1, times));
    });

    [Fact]
    public Task Aborted_ItAsksNobodyAnew_AndThoseOnTheirWayAreCounted_AlsoByTheNextSilo() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(EnrollingNodes.Spec(concurrency: 10), OneOverlay);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 10);
        world.Tell(job => JobCommand.Abort(job, "ann", "enough", world.Now));
        await world.StepAsync(TimeSpan.FromSeconds(1));
        await world.KillAsync("a");
        await world.StepAsync(TimeSpan.FromSeconds(1));
        Assert.Equal((10, 30), (world.Counts[TargetState.Running], world.Counts[TargetState.Cancelled]));
        world.Nodes.ArriveAll();
        await world.UntilEndedAsync();
        Assert.Equal(
            (JobState.Aborted, 10, 30), (world.Job.State, world.Counts[TargetState.Succeeded], world.Counts[TargetState.Cancelled]));
        Assert.Equal(10, world.Nodes.Enrolled.Count);
    });

    [Fact]
    public Task ATarget_ThatAnotherJobHasEnrolAnewMeanwhile_HasFailed_AndIsLeftToThatOne() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(EnrollingNodes.Spec(), OneOverlay);
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 40);
        world.Nodes.AskInAnotherName();
        await world.UntilEndedAsync();
        Assert.Equal(40, world.Counts[TargetState.Failed]);
        Assert.All(world.Nodes.Enrolled.Values, times => Assert.Equal(1, times));
    });

    [Fact]
    public Task Aborted_BeforeANodeIsAsked_ItIsNotAsked_ByTheNextSilo() => JobWorld.RunAsync(async () =>
    {
        using var world = new JobWorld(EnrollingNodes.Spec(concurrency: 10), OneOverlay);
        await world.StepAsync();
        world.Nodes.OnAsk = _ => throw new TimeoutException("it is busy");
        await world.UntilAsync(_ => world.Counts[TargetState.Unknown] == 10);
        world.Tell(job => JobCommand.Abort(job, "ann", "enough", world.Now));
        await world.UntilEndedAsync();
        Assert.Equal((JobState.Aborted, 40), (world.Job.State, world.Counts[TargetState.Cancelled]));
        Assert.Empty(world.Nodes.Enrolled);
    });

    [Fact]
    public Task ARetry_IsAnotherEnrolment_AndWhatComesOfTheFirst_SaysNothingOfIt() => JobWorld.RunAsync(async () =>
    {
        var spec = EnrollingNodes.Spec() with { Retry = new JobRetry { On = [TargetState.Failed], Max = 1, Backoff = TimeSpan.Zero } };
        using var world = new JobWorld(spec, new Dictionary<string, int> { ["a"] = 1 });
        await world.UntilAsync(_ => world.Counts[TargetState.Running] == 1);
        world.Nodes.End(_ => ReprovisionStatus.Failed("it is silent"));
        await world.UntilAsync(_ => world.Nodes.Enrolled["a-0000"] == 2);
        world.Nodes.ArriveAll();
        await world.UntilEndedAsync();
        Assert.Equal(1, world.Counts[TargetState.Succeeded]);
        Assert.Equal(2, Assert.Single(world.TargetsIn("a")).Attempts);
    });
}
