using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Placement.Plans;
using ControlPlane.Sites;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Orleans.Runtime;
using Orleans.Serialization;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>What becomes of a plan when what it needs is not there.</summary>
public sealed class PlanRunnerTests
{
    private static readonly Serializer Serializer =
        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    private static readonly OverlaysOptions Options = new()
    {
        Region = "test",
        Local = "a",
        Members = { ["a"] = new OverlayOptions(), ["b"] = new OverlayOptions() },
    };

    // Whose copies the runner wanted: to reserve, or to give back.
    private readonly List<string> asked = [];

    [Fact]
    public async Task Tick_AbortsThePlan_WhenItsMovesAreNotInTheStore()
    {
        var history = await OpenAsync();
        using var meter = new PlacementMeter();
        var runner = RunnerOf(history, meter);
        history.Ledger.Take("a", "n1", PlacedNode.New("n1") with { Home = "a" });
        var created = Assert.IsType<PlanOutcome.Accepted>(await runner.Create(new PlanRequest(PlanKind.Drain, "a"), "ann")).Progress;
        await history.Record(new PlacementChange.GroupHomed("g", "b"));
        await runner.Command(created.Id, PlanCommand.Approve, "ann");
        await history.Plans.DropAsync(created.Id);

        await runner.Tick();

        var plan = Assert.Single(history.Ledger.Plans.Plans);
        Assert.Equal((PlanStage.Aborted, "its moves are not in the store any more: make another plan"), (plan.Stage, plan.Reason));
        Assert.Empty(history.Ledger.Homings);
        Assert.Null(history.Ledger.Node("n1")!.Held);
        Assert.Empty(asked);
    }

    [Fact]
    public async Task Tick_CountsNobodyTwice_WhenTheSiloDiedBeforeItRecordedWhomItSent()
    {
        var history = await OpenAsync();
        using var meter = new PlacementMeter();
        history.Ledger.Take("a", "n1", PlacedNode.New("n1") with { Home = "a" });
        var before = RunnerOf(history, meter);
        var id = Assert.IsType<PlanOutcome.Accepted>(await before.Create(new PlanRequest(PlanKind.Drain, "a"), "ann")).Progress.Id;
        await before.Command(id, PlanCommand.Approve, "ann");
        history.Ledger.Take("b", "n1", PlacedNode.New("n1") with
        {
            Held = new Reservation("b", DateTimeOffset.MaxValue, false, id) { Decided = new DecisionStamp(0, 1) },
        });

        var runner = RunnerOf(history, meter);
        runner.Restore();
        await runner.Tick();
        Assert.Equal((1, 0), (Assert.Single(history.Ledger.Plans.Plans).NextMove, asked.Count(overlay => overlay == "b")));
        var sent = Assert.Single(history.Ledger.Plans.Plans);
        Assert.Equal((PlanStage.Running, 0, 0, 0), (sent.Stage, sent.Skipped, sent.Moved, sent.Failed));

        history.Ledger.Take("b", "n1", PlacedNode.New("n1") with { Home = "b", Decided = new DecisionStamp(0, 1) });
        await runner.Tick();
        var done = Assert.Single(history.Ledger.Plans.Plans);
        Assert.Equal((PlanStage.Done, 0, 1, 0), (done.Stage, done.Skipped, done.Moved, done.Failed));
    }

    [Fact]
    public async Task Tick_CountsWhoArrived_WhileNobodyLookedOn()
    {
        var history = await OpenAsync();
        using var meter = new PlacementMeter();
        history.Ledger.Take("a", "n1", PlacedNode.New("n1") with { Home = "a" });
        var before = RunnerOf(history, meter);
        var id = Assert.IsType<PlanOutcome.Accepted>(await before.Create(new PlanRequest(PlanKind.Drain, "a"), "ann")).Progress.Id;
        await before.Command(id, PlanCommand.Approve, "ann");
        await history.Record(new PlacementChange.PlanChanged(history.Ledger.Plans.Find(id)! with { NextMove = 1 }));
        history.Ledger.Take("b", "n1", PlacedNode.New("n1") with { Home = "b", Decided = new DecisionStamp(0, 1) });

        await RunnerOf(history, meter).Tick();

        var done = Assert.Single(history.Ledger.Plans.Plans);
        Assert.Equal((PlanStage.Done, 0, 1, 0), (done.Stage, done.Skipped, done.Moved, done.Failed));
    }

    [Theory]
    [InlineData(PlanStage.Paused, false, false)]
    [InlineData(PlanStage.Aborted, false, true)]
    [InlineData(PlanStage.Aborted, true, false)]
    public async Task Restore_GivesBackWhatNobodyTook_OnceThePlanIsOver(PlanStage stage, bool isTaken, bool isGivenBack)
    {
        var history = await OpenAsync();
        using var meter = new PlacementMeter();
        var runner = RunnerOf(history, meter);
        await history.Record(new PlacementChange.PlanChanged(new PlanProgress(
            "drain-1", PlanKind.Drain, "a", stage, "", "ann", history.Now, 1, 0, 1, 0, 0, 0, [])));
        history.Ledger.Take("b", "n1", PlacedNode.New("n1") with
        {
            Held = new Reservation("b", DateTimeOffset.MaxValue, false, "drain-1") { IsTaken = isTaken },
        });

        runner.Restore();
        await runner.Tick();

        Assert.Equal(isGivenBack ? ["b"] : [], asked);
        Assert.Equal(stage, Assert.Single(history.Ledger.Plans.Plans).Stage);
    }

    [Fact]
    public async Task Restore_TellsTheNode_WhenOnlyTheAnswerToItsReservationWasLost()
    {
        var time = new FakeTimeProvider();
        var history = await OpenAsync(time);
        using var meter = new PlacementMeter();
        var link = new ToldLink();
        var copy = new OverlayCopy(
            history.Ledger.Overlay("a")!,
            history,
            new RegionLeadership(history, new PlanHandover(history, _ => { })),
            (_, _) => Task.FromException<ControlPlane.Placement.Overlays.OverlayReply>(new SiteUnreachableException("it is busy")));
        var runner = new PlanRunner(
            history, overlay => overlay == "a" ? copy : null, new NodeSites(null!, link, new Fixed<OverlaysOptions>(Options)), meter);
        history.Ledger.Take("b", "n1", PlacedNode.New("n1") with { Home = "b" });
        var id = Assert.IsType<PlanOutcome.Accepted>(await runner.Create(new PlanRequest(PlanKind.Drain, "b"), "ann")).Progress.Id;
        await runner.Command(id, PlanCommand.Approve, "ann");

        // The rate lets the first node go after a moment.
        await runner.Tick();
        time.Advance(TimeSpan.FromMinutes(1));
        await runner.Tick();
        runner.Restore();
        Assert.Empty(link.Told);
        time.Advance(TimeSpan.FromSeconds(5));
        runner.Restore();
        runner.Restore();

        Assert.Equal(["b"], link.Told);
    }

    private PlanRunner RunnerOf(StoredRegion history, PlacementMeter meter) => new(
        history,
        overlay =>
        {
            asked.Add(overlay);
            return null;
        },
        new NodeSites(null!, new NoSiteLink(), new Fixed<OverlaysOptions>(Options)),
        meter);

    private static async Task<StoredRegion> OpenAsync(FakeTimeProvider? time = null)
    {
        var history = new StoredRegion(
            new MemoryStore(), GrainId.Create("region-placement", "test"), Serializer, time ?? new FakeTimeProvider(), _ => { });
        await history.OpenAsync(Options);
        foreach (var overlay in history.Ledger.Overlays)
        {
            overlay.IsListed = true;
        }

        return history;
    }

    private sealed class ToldLink : ISiteLink
    {
        /// <summary>The sites that were asked.</summary>
        public List<string> Told { get; } = [];

        public Task<byte[]> AskAsync(
            string site, string channel, byte[] question, TimeSpan patience, CancellationToken cancellationToken)
        {
            Told.Add(site);
            return Task.FromResult(SiteJson.Write(new NodeReply()));
        }
    }
}
