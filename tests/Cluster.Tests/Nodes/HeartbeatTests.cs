using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>A fleet that lives costs no node's grain, whatever it says.</summary>
public sealed class HeartbeatTests : IAsyncLifetime
{
    private const int Nodes = 20_000;

    private readonly NodeCluster cluster = new();

    public ValueTask InitializeAsync() => cluster.InitializeAsync();

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    [Fact]
    public async Task Observe_TouchesNoNode_ThatLivesWhereItIsEnrolled_OrThatNobodyEnrolled()
    {
        var now = TimeProvider.System.GetUtcNow();
        var living = Enumerable.Range(0, Nodes).Select(number => $"living{number}.example.net").ToList();
        foreach (var some in living.Chunk(1_000))
        {
            await Task.WhenAll(some.Select(identity => cluster.Roster(identity).Record(
                new RosterEntry(identity, NodeStage.Enrolled, NodeCluster.Overlay, null, now, now.AddDays(1), NodeLiveness.Alive))));
        }

        await Hear([.. living, .. Enumerable.Range(0, 1_000).Select(number => $"foreign{number}.example.net")]);
        await Hear(living);

        Assert.Equal(0, await CountNodeGrains());
        Assert.Equal(Nodes, (await CountByStage())[NodeStage.Enrolled]);
    }

    private Task Hear(IEnumerable<string> nodes) => Task.WhenAll(
        nodes.Select(identity => cluster.ArrivalOf(identity) with { Kind = FleetEventKind.Alive })
            .GroupBy(alive => FleetRoster.ShardOf(alive.Identity)).Select(slice => cluster.Slice(slice.Key).Observe([.. slice])));

    private async Task<int> CountNodeGrains() => (await cluster.Statistics())
        .Where(one => one.GrainType.Contains("NodeGrain", StringComparison.Ordinal)).Sum(one => one.ActivationCount);

    private async Task<Dictionary<NodeStage, int>> CountByStage() =>
        (await Task.WhenAll(Enumerable.Range(0, FleetRoster.Shards).Select(slice => cluster.Slice(slice).Count())))
            .SelectMany(counts => counts).GroupBy(count => count.Key, count => count.Value).ToDictionary(of => of.Key, of => of.Sum());
}
