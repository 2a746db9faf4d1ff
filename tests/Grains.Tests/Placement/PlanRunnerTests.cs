using ControlPlane.Placement;
using ControlPlane.Placement.Plans;
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

    [Fact]
    public async Task Tick_AbortsThePlan_WhenItsMovesAreNotInTheStore()
    {
        var history = await OpenAsync();
        using var meter = new PlacementMeter();
        var runner = RunnerOf(history, meter);
        await history.Record(new PlacementChange.NodeChanged(PlacedNode.New("n1") with { Home = "a", HomeAttempt = 1 }));
        var created = Assert.IsType<PlanOutcome.Accepted>(await runner.Create(new PlanRequest(PlanKind.Drain, "a", "ann"))).Progress;
        await history.Record(new PlacementChange.GroupHomed("g", "b"));
        await runner.Command(created.Id, PlanCommand.Approve, "ann");
        await history.Plans.DropAsync(created.Id);

        await runner.Tick();

        var plan = Assert.Single(history.Ledger.Plans.Plans);
        Assert.Equal((PlanStage.Aborted, "its moves are not in the store any more: make another plan"), (plan.Stage, plan.Reason));
        Assert.False(runner.IsBusy);
        Assert.Empty(history.Ledger.Homings);
        Assert.Null(history.Ledger.Node("n1")!.Held);
    }

    private static PlanRunner RunnerOf(StoredRegion history, PlacementMeter meter)
    {
        var places = new NodePlacements(history, "test", new ExternalDecision(null, TimeProvider.System, meter), meter);
        var homes = new RegionLeadership(history, places, new PlanHandover(history, _ => { }));
        var summons = new ReprovisionRequests(null!, new NoPlacementLink(), homes, "test");
        return new PlanRunner(history, summons, meter, () => { });
    }

    private static async Task<StoredRegion> OpenAsync()
    {
        var history = new StoredRegion(
            new MemoryStore(), GrainId.Create("overlay-placement", "test"), Serializer, new FakeTimeProvider(), _ => { });
        await history.OpenAsync(Options);
        return history;
    }
}
