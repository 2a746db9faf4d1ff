using ControlPlane.Jobs;
using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using ControlPlane.Placement.Plans;
using ControlPlane.Sites;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Orleans.Runtime;
using Orleans.Serialization;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>A plan and the job that carries it out, whatever ends in between.</summary>
public sealed class RegionPlansTests : IDisposable
{
    private static readonly Serializer Serializer =
        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    private static readonly OverlaysOptions Options = new()
    {
        Region = "test",
        Local = "a",
        Members = { ["a"] = new OverlayOptions(), ["b"] = new OverlayOptions() },
    };

    private readonly FakeTimeProvider time = new();
    private readonly PlacementMeter meter = new();
    private readonly SubmittedJob job = new();
    private readonly StoredRegion history;

    // Whose copies were wanted: to reserve, or to give back.
    private readonly List<string> asked = [];
    private Func<string, OverlayCopy?> copyOf;
    private RegionPlans plans = null!;
    private PlanMoves moves = null!;

    public RegionPlansTests()
    {
        history = new StoredRegion(new MemoryStore(), GrainId.Create("region-placement", "test"), Serializer, time, _ => { });
        copyOf = overlay =>
        {
            asked.Add(overlay);
            return null;
        };
    }

    private PlanProgress Plan => Assert.Single(history.Ledger.Plans.Plans);

    public void Dispose() => meter.Dispose();

    [Fact]
    public async Task FollowAsync_AbortsThePlan_WhenItsMovesAreNotInTheStore()
    {
        var id = await DraftAsync();
        await history.Record(new PlacementChange.GroupHomed("g", "b"));
        await history.Plans.DropAsync(id);
        await plans.Command(id, PlanCommand.Approve, "ann");

        await plans.FollowAsync();

        Assert.Equal((PlanStage.Aborted, "its moves are not in the store any more: make another plan"), (Plan.Stage, Plan.Reason));
        Assert.Empty(history.Ledger.Homings);
        Assert.Null(history.Ledger.Node("n1")!.Held);
        Assert.Empty(job.Told);
        Assert.Empty(asked);
    }

    [Fact]
    public async Task ApprovedPlan_IsSubmittedOnce_ThoughTheSiloEndsBeforeItKnowsThatItWas()
    {
        var id = await DraftAsync();
        job.EndsAfter = true;
        await plans.Command(id, PlanCommand.Approve, "ann");
        Assert.Equal(PlanStage.Approved, Plan.Stage);

        job.EndsAfter = false;
        Open();
        await plans.FollowAsync();
        await plans.FollowAsync();

        Assert.Equal(["submit"], job.Told);
        Assert.Equal((PlanStage.Running, job.Now!.Id), (Plan.Stage, Plan.Job));
        Assert.True(JobId.IsValid(Plan.Job));
        Assert.Equal(new JobPlan("test", id), job.Now.Spec.Targets.Plan);
        Assert.Equal(["a"], job.Now.Spec.Targets.Overlays);
    }

    [Fact]
    public async Task ApprovedPlan_Waits_WhileItsOverlayDoesNotAnswer_OrTheSiteHasTooManyJobs()
    {
        var id = await DraftAsync();
        history.Ledger.Overlay("a")!.IsReachable = false;
        await plans.Command(id, PlanCommand.Approve, "ann");
        Assert.Equal((PlanStage.Approved, "waits for a, which does not answer"), (Plan.Stage, Plan.Reason));

        history.Ledger.Overlay("a")!.IsReachable = true;
        job.Refusal = new JobOutcome.Refused(JobRefusal.TooManyJobs, ["5000 jobs are unfinished"]);
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Approved, "5000 jobs are unfinished"), (Plan.Stage, Plan.Reason));

        job.Refusal = null;
        await plans.FollowAsync();
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Running, ""), (Plan.Stage, Plan.Reason));
    }

    [Fact]
    public async Task ProgressIsTheJobs_AndAPlanIsDoneWhenItIs()
    {
        await RunningAsync();
        job.Results.Add(new JobResult("n7", "a", 1, TargetState.Skipped, null, "b is full", null, time.GetUtcNow(), IsLate: false));
        job.Results.Add(new JobResult("n8", "a", 1, TargetState.TimedOut, null, "it had not ended", null, time.GetUtcNow(), IsLate: false));
        job.Count(
            (TargetState.Succeeded, 3), (TargetState.Skipped, 1), (TargetState.TimedOut, 1), (TargetState.Running, 2),
            (TargetState.Unknown, 1));
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Running, 3, 1, 1, 3), (Plan.Stage, Plan.Moved, Plan.Skipped, Plan.Failed, Plan.UnderWay));
        Assert.Equal(["n7 skipped: b is full", "n8 failed: it had not ended"], Plan.Reports);

        // Who arrived while no activation looked on is in the job's counts as well.
        Open();
        history.Ledger.Take("a", "n1", null);
        job.Count((TargetState.Succeeded, 5), (TargetState.Skipped, 1), (TargetState.TimedOut, 1), (TargetState.Unknown, 1));
        job.Be(JobState.Completed);
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Done, 5, 1, 2, 0), (Plan.Stage, Plan.Moved, Plan.Skipped, Plan.Failed, Plan.UnderWay));
        Assert.Equal("", Plan.Reason);
    }

    [Fact]
    public async Task ARetirement_IsDone_AndTheOverlayRetired_WhenNobodyIsLeft()
    {
        var id = await DraftAsync(PlanKind.Retire);
        await plans.Command(id, PlanCommand.Approve, "ann");
        job.Be(JobState.Completed);
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Done, "1 nodes are left in a: make another plan for them"), (Plan.Stage, Plan.Reason));
        Assert.Equal(OverlayState.Active, history.Ledger.Overlay("a")!.State);

        history.Ledger.Take("a", "n1", null);
        id = Assert.IsType<PlanOutcome.Accepted>(await plans.Create(new PlanRequest(PlanKind.Retire, "a"), "ann")).Progress.Id;
        job.Now = null;
        await plans.Command(id, PlanCommand.Approve, "ann");
        job.Be(JobState.Completed);
        await plans.FollowAsync();
        Assert.Equal(PlanStage.Done, history.Ledger.Plans.Find(id)!.Stage);
        Assert.Equal((OverlayState.Retired, $"plan {id}"), history.Ledger.Overlay("a")!.Decided);
    }

    [Theory]
    [InlineData(JobState.Aborted)]
    [InlineData(JobState.Failed)]
    public async Task AJobThatAnOperatorAborts_OrThatCannotBegin_EndsItsPlan(JobState state)
    {
        await RunningAsync();
        await history.Record(new PlacementChange.GroupHomed("g", "b"));
        job.Be(state, "aborted by bob");

        await plans.FollowAsync();

        Assert.Equal((PlanStage.Aborted, "aborted by bob"), (Plan.Stage, Plan.Reason));
        Assert.Empty(history.Ledger.Homings);
    }

    [Fact]
    public async Task AJobThatPauses_PausesItsPlan_AndBothGoOn()
    {
        var id = await RunningAsync();
        job.Be(JobState.Paused, "the threshold of 20 % failed was reached in the job");
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Paused, "the threshold of 20 % failed was reached in the job"), (Plan.Stage, Plan.Reason));

        await plans.Command(id, PlanCommand.Resume, "ann");
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Running, JobState.Running), (Plan.Stage, job.Now!.State));
    }

    [Fact]
    public async Task APausedPlan_HasItsJobPaused_HoweverOftenThatIsLost_AndAlsoWhenSomebodyResumesTheJob()
    {
        var id = await RunningAsync();
        job.EndsAfter = true;
        await plans.Command(id, PlanCommand.Pause, "ann");
        Assert.Equal((PlanStage.Paused, "Pause by ann"), (Plan.Stage, Plan.Reason));

        job.EndsAfter = false;
        Open();
        job.Be(JobState.Running);
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Paused, JobState.Paused, "Pause by ann"), (Plan.Stage, job.Now!.State, Plan.Reason));

        // Nodes that are on their way arrive, and are counted.
        job.Count((TargetState.Succeeded, 1));
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Paused, 1), (Plan.Stage, Plan.Moved));
    }

    [Fact]
    public async Task AnAbortedPlan_HasItsJobAborted_AndThoseOnTheirWayAreCounted()
    {
        var id = await RunningAsync();
        job.Count((TargetState.Running, 2));
        await plans.FollowAsync();
        job.EndsAfter = true;
        await plans.Command(id, PlanCommand.Abort, "ann");
        job.EndsAfter = false;
        Open();
        await plans.FollowAsync();
        Assert.Equal(["submit", "abort: Abort by ann"], job.Told);

        job.Count((TargetState.Succeeded, 2), (TargetState.Cancelled, 4));
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Aborted, 2, 0, 0), (Plan.Stage, Plan.Moved, Plan.Failed, Plan.UnderWay));
    }

    [Fact]
    public async Task APlanThatEndsWithItsLeader_EndsItsJob()
    {
        await RunningAsync();
        new PlanHandover(history, _ => { }).End("b is the leader since epoch 1");

        await plans.FollowAsync();

        Assert.Equal((PlanStage.Aborted, JobState.Aborted), (Plan.Stage, job.Now!.State));
        Assert.Equal("its plan is over", Assert.Single((await moves.ReserveAsync(Plan.Job, ["n1"])).Moves).Objection);
    }

    [Fact]
    public async Task TheBrake_PausesThePlan_WhenEnrolmentsOfTheRegionFail()
    {
        var id = await RunningAsync();
        for (var i = 0; i < 20; i++)
        {
            plans.NoteArrival(failed: i < 5);
        }

        await plans.FollowAsync();
        Assert.Equal((PlanStage.Paused, "brake: 5 of the last 20 enrolments of the region failed"), (Plan.Stage, Plan.Reason));
        Assert.Equal(JobState.Paused, job.Now!.State);

        // What failed before counts no more.
        await plans.Command(id, PlanCommand.Resume, "ann");
        await plans.FollowAsync();
        Assert.Equal((PlanStage.Running, JobState.Running), (Plan.Stage, job.Now.State));
    }

    [Theory]
    [InlineData(PlanStage.Paused, null, false, false)]
    [InlineData(PlanStage.Aborted, null, false, true)]
    [InlineData(PlanStage.Aborted, null, true, false)]
    [InlineData(PlanStage.Aborted, TargetState.Pending, false, false)]
    [InlineData(PlanStage.Aborted, TargetState.Running, false, false)]
    [InlineData(PlanStage.Aborted, TargetState.Cancelled, false, true)]
    public async Task GiveBackWhatIsLeft_GivesBackWhatNobodyTook_OnceThePlanIsOver_AndItsJobHasNobodyUnderWay(
        PlanStage stage, TargetState? target, bool isTaken, bool isGivenBack)
    {
        var id = await RunningAsync();
        await plans.Command(id, stage == PlanStage.Aborted ? PlanCommand.Abort : PlanCommand.Pause, "ann");

        if (target is { } state)
        {
            job.Count((state, 1));
        }

        Hold("n1", "b", Plan.Job, isTaken);
        Open();
        await plans.FollowAsync();
        plans.GiveBackWhatIsLeft();

        Assert.Equal(isGivenBack ? ["b"] : [], asked);
        Assert.Equal(stage, Plan.Stage);
    }

    [Fact]
    public async Task GiveBackWhatIsLeft_GivesBackWhatAnotherLeadersPlanHeld()
    {
        await RunningAsync();
        Hold("n1", "b", "plan-drain-1-another", isTaken: false);

        plans.GiveBackWhatIsLeft();

        Assert.Equal(["b"], asked);
    }

    [Fact]
    public async Task ReserveAsync_HoldsNoPlaceTwice_AndSaysWhoIsThere()
    {
        await RunningAsync();
        Hold("n1", "b", Plan.Job, isTaken: false);
        Assert.Equal([MoveVerdict.Held("b")], (await moves.ReserveAsync(Plan.Job, ["n1"])).Moves);

        history.Ledger.Take("b", "n1", PlacedNode.New("n1") with { Home = "b", Decided = new DecisionStamp(0, 1) });
        Assert.Equal([MoveVerdict.There("b")], (await moves.ReserveAsync(Plan.Job, ["n1"])).Moves);
        Assert.Empty(asked);
    }

    [Fact]
    public async Task ReserveAsync_SaysThatThePlaceIsHeld_WhenOnlyTheAnswerWasLost()
    {
        await RunningAsync();
        var copy = new OverlayCopy(
            history.Ledger.Overlay("b")!,
            history,
            new RegionLeadership(history, new PlanHandover(history, _ => { })),
            (_, _) => Task.FromException<OverlayReply>(new SiteUnreachableException("it is busy")));
        copyOf = _ => copy;

        var lost = await moves.ReserveAsync(Plan.Job, ["n1"]);
        Assert.Empty(lost.Moves);
        Assert.NotEmpty(lost.Waits);
        Assert.Equal([MoveVerdict.Held("b")], (await moves.ReserveAsync(Plan.Job, ["n1"])).Moves);
    }

    [Fact]
    public async Task ReserveAsync_Waits_WhileThePlanIsPaused_OrAnOverlayIsCutOff()
    {
        var id = await RunningAsync();
        foreach (var cut in new[] { "a", "b" })
        {
            history.Ledger.Overlay(cut)!.IsReachable = false;
            Assert.Equal((0, $"waits for {cut}, which does not answer"), Waiting(await moves.ReserveAsync(Plan.Job, ["n1"])));
            history.Ledger.Overlay(cut)!.IsReachable = true;
        }

        await plans.Command(id, PlanCommand.Pause, "ann");
        Assert.Equal((0, $"{id} is Paused"), Waiting(await moves.ReserveAsync(Plan.Job, ["n1"])));
        Assert.Empty(asked);
    }

    [Fact]
    public async Task ReserveAsync_SaysWhyANodeDoesNotGo_AndListsOnlyWhatMoves()
    {
        await RunningAsync();
        Assert.Equal(["n1"], (await moves.ListAsync(Plan.Job, "a", 0))!.Identities);
        Assert.Empty((await moves.ListAsync(Plan.Job, "a", 1))!.Identities);
        Assert.True((await moves.ListAsync(Plan.Job, "b", 0))!.IsLast);
        Assert.Null(await moves.ListAsync("another", "a", 0));

        history.Ledger.Take("a", "n1", null);
        var verdicts = (await moves.ReserveAsync(Plan.Job, ["n1", "n2"])).Moves;
        Assert.Equal(["it is not at rest in a any more", "its plan is over"], verdicts.Select(verdict => verdict.Objection));
        Assert.Equal(OverlayState.Draining, history.Ledger.Overlay("a")!.State);
    }

    private static (int, string) Waiting(MoveVerdicts verdicts) => (verdicts.Moves.Count, verdicts.Waits);

    private void Hold(string identity, string overlay, string plan, bool isTaken) => history.Ledger.Take(
        overlay, identity, PlacedNode.New(identity) with
        {
            Held = new Reservation(overlay, DateTimeOffset.MaxValue, false, plan) { Decided = new DecisionStamp(0, 1), IsTaken = isTaken },
        });

    // The silo that did it before has ended.
    private void Open()
    {
        moves = new PlanMoves(history, overlay => copyOf(overlay));
        plans = new RegionPlans(history, "test", moves, job.Of, () => Task.CompletedTask, meter);
    }

    private async Task OpenAsync()
    {
        await history.OpenAsync(Options);
        foreach (var overlay in history.Ledger.Overlays)
        {
            overlay.IsListed = true;
        }

        Open();
    }

    private async Task<string> DraftAsync(PlanKind kind = PlanKind.Drain)
    {
        await OpenAsync();
        history.Ledger.Take("a", "n1", PlacedNode.New("n1") with { Home = "a" });
        return Assert.IsType<PlanOutcome.Accepted>(await plans.Create(new PlanRequest(kind, "a"), "ann")).Progress.Id;
    }

    private async Task<string> RunningAsync()
    {
        var id = await DraftAsync();
        await plans.Command(id, PlanCommand.Approve, "ann");
        job.Be(JobState.Running);
        await plans.FollowAsync();
        Assert.Equal(PlanStage.Running, Plan.Stage);
        return id;
    }
}
