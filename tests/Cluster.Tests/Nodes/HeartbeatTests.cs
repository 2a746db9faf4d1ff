using System.Text;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>A fleet that lives costs no node's grain, whatever it says.</summary>
public sealed class HeartbeatTests : IAsyncLifetime
{
    private const int Nodes = 20_000;
    private const int Strangers = 1_000;
    private const string Key = "a key of its own";

    private readonly NodeCluster cluster = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => cluster.InitializeAsync();

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    [Fact]
    public async Task Observe_TouchesNoNode_ThatLivesWhereItIsEnrolled_OrThatNobodyEnrolled()
    {
        var living = Enumerable.Range(0, Nodes).Select(number => $"living{number}.example.net").ToList();
        string[] all = [.. living, .. Enumerable.Range(0, Strangers).Select(number => $"foreign{number}.example.net")];
        foreach (var some in living.Chunk(1_000))
        {
            await Task.WhenAll(some.Select(EnrolAsync));
        }

        // Each is met once: it is new on its overlay, and shows for the first time who it is. Whom a busy machine did not get to is shown
        // again.
        await HearAsync(all.Select(Alive));
        await TestKit.Readiness.UntilAsync(
            _ => Task.FromResult(cluster.State.Advisories.Count == all.Length), "all were announced", Cancelled);
        Assert.InRange(await CountNodeGrains(), 1, all.Length);
        await TestKit.Readiness.UntilAsync(
            async _ =>
            {
                await UntilNoNodeGrainIsLeft();
                await HearAsync(all.Select(identity => Registered(identity)));
                return await CountNodeGrains() == 0;
            },
            "all were judged",
            Cancelled);

        await HearAsync(all.Select(Alive));
        await HearAsync(all.Select(identity => Registered(identity)));
        await HearAsync(all.Select(Alive));

        Assert.Equal(0, await CountNodeGrains());
        Assert.Equal(Nodes, (await CountByStage())[NodeStage.Enrolled]);
        Assert.Equal(Nodes, await CountByFact("country", "\"uk\""));
        await HearAsync([Registered(living[0], machine: "another machine")]);
        Assert.Equal(1, await CountNodeGrains());
    }

    private Task UntilNoNodeGrainIsLeft() => TestKit.Readiness.UntilAsync(
        async _ =>
        {
            await cluster.DeactivateAll();
            return await CountNodeGrains() == 0;
        },
        "no grain of a node is left",
        Cancelled);

    // As its arrival left it an hour ago.
    private async Task EnrolAsync(string identity)
    {
        var now = TimeProvider.System.GetUtcNow();
        var state = new GrainState<NodeState>(new NodeState
        {
            Stage = NodeStage.Enrolled,
            Attempt = 1,
            Overlay = NodeCluster.Overlay,
            Held = new HeldCredentials(null, null, Key, null, now.AddHours(-1), NodeCluster.Overlay),
        });
        await cluster.Service<IServiceProvider>().GetRequiredKeyedService<IGrainStorage>(Stores.Fleet)
            .WriteStateAsync("node", cluster.Node(identity).GetGrainId(), state);
        await cluster.Roster(identity).Record(
            new RosterEntry(identity, NodeStage.Enrolled, NodeCluster.Overlay, null, now, now.AddDays(1), NodeLiveness.Alive));
    }

    private FleetEvent Alive(string identity) => cluster.ArrivalOf(identity) with { Kind = FleetEventKind.Alive, EventId = identity };

    private FleetEvent Registered(string identity, string machine = "its machine")
    {
        var alive = Alive(identity);
        var said = Encoding.UTF8.GetBytes($$$"""{"facts":{"country":"uk","machine_id":"{{{machine}}} {{{identity}}}"}}""");
        var inventory = InventoryReader.ReadOrNull(identity, said, InventorySource.Registration, alive.ReceivedAt, new InventoryOptions());
        return alive with
        {
            Kind = FleetEventKind.Registration,
            Registration = new NodeRegistration(inventory, "a broker", Key, CredentialStatus.Verified),
        };
    }

    private Task HearAsync(IEnumerable<FleetEvent> events) => Task.WhenAll(
        events.GroupBy(heard => FleetSlices.NumberOf(heard.Identity)).Select(slice => cluster.Slice(slice.Key).Observe([.. slice])));

    private async Task<int> CountNodeGrains() => (await cluster.Statistics())
        .Where(one => one.GrainType.Contains("NodeGrain", StringComparison.Ordinal)).Sum(one => one.ActivationCount);

    private async Task<Dictionary<NodeStage, int>> CountByStage() =>
        (await Task.WhenAll(Enumerable.Range(0, FleetSlices.Count).Select(slice => cluster.Slice(slice).CountStages())))
            .SelectMany(counts => counts).GroupBy(count => count.Key, count => count.Value).ToDictionary(of => of.Key, of => of.Sum());

    private async Task<int> CountByFact(string fact, string value)
    {
        var enrolled = NodeQuery.All with { Stage = NodeStage.Enrolled };
        return (await Task.WhenAll(Enumerable.Range(0, FleetSlices.Count).Select(slice => cluster.Slice(slice).CountFact(enrolled, fact))))
            .Cast<CountOutcome.Counted>().Sum(counted => counted.Values.GetValueOrDefault(value));
    }
}
