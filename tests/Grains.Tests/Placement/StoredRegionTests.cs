using ControlPlane.Placement;
using ControlPlane.Placement.Policies;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Orleans.Runtime;
using Orleans.Serialization;

namespace ControlPlane.Grains.Tests.Placement;

/// <summary>
/// Arrivals side by side, leases that end and silos that die at any write: what is stored breaks no rule, and nothing answered is lost.
/// </summary>
public sealed class StoredRegionTests
{
    private const string Policy = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: test }
        spec:
          attributes: { customer: { from: jwt.customer }, expected: { from: jwt.expected, type: number } }
          groups: [ { name: customer, key: [customer], declaredSizeFrom: expected } ]
        """;

    private static readonly GrainId Grain = GrainId.Create("overlay-placement", "test");
    private static readonly Serializer Serializer =
        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    private readonly Dictionary<string, string> homes = new(StringComparer.Ordinal);

    private static readonly OverlaysOptions Options = new()
    {
        Region = "test",
        Local = "a",
        LeaseLifetime = TimeSpan.FromMinutes(30),
        Members =
        {
            ["a"] = new OverlayOptions { HardLimit = 6, SoftLimit = 6 },
            ["b"] = new OverlayOptions { HardLimit = 5, SoftLimit = 4 },
            ["c"] = new OverlayOptions { HardLimit = 4, SoftLimit = 4 },
        },
    };

    private static readonly Gen<(
        (int Writes, bool IsStored)[] Deaths, (int Action, int Node, int Customer, int Expected)[] Calls)> Histories =
        Gen.Select(
            Gen.Select(Gen.Int[1, 12], Gen.Bool).Array[1, 4],
            Gen.Select(Gen.Int[0, 9], Gen.Int[0, 11], Gen.Int[0, 3], Gen.Int[1, 4]).Array[1, 60]);

    // Where each node is enrolled by the silos of two overlays, which number its enrolments alike.
    private bool hasTwoKeepers;

    [Fact]
    public void AnyConcurrentHistory_BreaksNoRule_WheneverItsSilosDie() =>
        Histories.Sample(history => InTurns(() => new StoredRegionTests().Run(history.Deaths, history.Calls)), iter: 300, threads: 1);

    // Such a node may tell of another customer each time, and leave one for another in the middle of its enrolment.
    [Fact]
    public void AnyConcurrentHistory_OverfillsNoOverlay_WhenNodesEnrolAnewThroughOthersSilos() =>
        Histories.Sample(
            history => InTurns(() => new StoredRegionTests { hasTwoKeepers = true }.Run(history.Deaths, history.Calls)),
            iter: 300,
            threads: 1);

    [Fact]
    public async Task Confirm_SendsALateNodeAway_WhenItsGroupOpenedElsewhereMeanwhile()
    {
        var time = new FakeTimeProvider();
        var history = await OpenAsync(new MemoryStore(), time);
        await ApplyPolicyAsync(history);
        var guarded = DeskOf(history);
        var late = Assert.IsType<PlacementOutcome.Placed>(await guarded.Place(Request("late", "c1", 1), "a"));
        time.Advance(Options.LeaseLifetime);
        history.CatchUp(Options);
        await history.Record(new PlacementChange.OverlaySet(late.Overlay, OverlayState.Cordoned, "test", history.Now));
        Assert.NotEqual(late.Overlay, Assert.IsType<PlacementOutcome.Placed>(await guarded.Place(Request("next", "c1", 1), "a")).Overlay);

        var lapsed = await Assert.ThrowsAsync<PlacementLapsedException>(() => guarded.Confirm("late", 1, "a"));

        Assert.Contains("customer does not let it in any more", lapsed.Message, StringComparison.Ordinal);
    }

    // As a reentrant grain runs: one turn after the other, calls interleaved where they wait.
    private static void InTurns(Func<Task> run) => Task.Factory.StartNew(
        run,
        CancellationToken.None,
        TaskCreationOptions.None,
        new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler).Unwrap().GetAwaiter().GetResult();

    private async Task Run((int Writes, bool IsStored)[] deaths, (int Action, int Node, int Customer, int Expected)[] calls)
    {
        var store = new MemoryStore();
        var time = new FakeTimeProvider();
        await ApplyPolicyAsync(await OpenAsync(store, time));
        foreach (var (writes, isStored) in deaths)
        {
            var history = await OpenAsync(store, time);
            store.DieAfter(writes, isStored);
            var guarded = DeskOf(history);
            await Task.WhenAll(calls.Select(call => CallAsync(history, guarded, time, call)));
            store.Revive();
            AssertLawful((await OpenAsync(store, time)).Ledger);
        }
    }

    private async Task CallAsync(
        StoredRegion history, NodePlacements guarded, FakeTimeProvider time, (int Action, int Node, int Customer, int Expected) call)
    {
        var identity = $"n{call.Node}";
        var keeper = hasTwoKeepers && call.Expected % 2 == 0 ? "b" : "a";
        try
        {
            history.CatchUp(Options);
            switch (call.Action)
            {
                case 0:
                    await guarded.Forget(identity);
                    homes.Remove(identity);
                    break;
                case 1:
                    await guarded.Release(identity, 1, keeper);
                    break;
                case 2:
                    time.Advance(Options.LeaseLifetime + TimeSpan.FromMinutes(1));
                    break;
                case < 6:
                    var confirmed = guarded.Confirm(identity, 1, keeper);
                    var home = history.Ledger.Node(identity)?.Home;
                    await confirmed;
                    if (home is not null)
                    {
                        // Otherwise the other overlay's silos enrol it by now.
                        homes[identity] = home;
                    }

                    break;
                default:
                    await guarded.Place(Request(identity, $"c{call.Customer}", call.Expected), keeper);
                    break;
            }
        }
        catch (Exception expected) when (expected is PlacementUnavailableException or PlacementLapsedException or IOException)
        {
            // Not answered: whether it was done is unknown.
            homes.Remove(identity);
        }
    }

    private void AssertLawful(RegionState ledger)
    {
        foreach (var overlay in ledger.Overlays)
        {
            Assert.True(overlay.Load <= overlay.HardLimit, $"{overlay.Name}: {overlay.Load} of {overlay.HardLimit}");

            // What is promised comes on top, except where a node left its group for another and then did not arrive.
            Assert.True(
                hasTwoKeepers || overlay.Committed <= overlay.HardLimit, $"{overlay.Name}: {overlay.Committed} of {overlay.HardLimit}");
            Assert.Equal(ledger.AllNodes().Count(node => node.Home == overlay.Name), overlay.Nodes);
            Assert.Equal(
                ledger.AllNodes().Count(node => node.Home != overlay.Name && node.LiveHold?.Overlay == overlay.Name), overlay.Reserved);
        }

        // A node whose enrolment into another customer's overlay dies still lives where its customer does not.
        var placed = ledger.AllNodes().Where(node => !hasTwoKeepers && node.Place is not null);
        foreach (var group in placed.GroupBy(node => node.Attributes.Split(',')[0]))
        {
            Assert.Single(group.Select(node => node.Place).Distinct());
        }

        foreach (var (identity, home) in homes)
        {
            Assert.Equal(home, ledger.Node(identity)?.Home);
        }
    }

    private static async Task<StoredRegion> OpenAsync(MemoryStore store, TimeProvider time)
    {
        var history = new StoredRegion(store, Grain, Serializer, time, _ => { });
        await history.OpenAsync(Options);
        return history;
    }

    private static async Task ApplyPolicyAsync(StoredRegion history)
    {
        await history.Record(new PlacementChange.PolicyApplied(new PolicyVersion(1, "test", Policy, "test", history.Now)));
        history.Ledger.Configure(Options);
    }

    private static PlacementRequest Request(string identity, string customer, int expected) =>
        new(identity, 1, $$"""{"customer":"{{customer}}","expected":{{expected}}}""", "{}");

    private static NodePlacements DeskOf(StoredRegion history)
    {
        var meter = new PlacementMeter();
        return new NodePlacements(history, "test", new ExternalDecision(null, TimeProvider.System, meter), meter);
    }
}
