using ControlPlane.Fleet;
using ControlPlane.Nodes;
using Orleans.Runtime;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>A machine of the provisioning network speaks in names that no node has.</summary>
public sealed class InventedNamesTests : IAsyncLifetime
{
    private const int Names = 20_000;

    private readonly NodeCluster cluster = new()
    {
        Provisioning = options => (options.NewcomersMax, options.NewcomerLifetime) = (64, TimeSpan.FromMinutes(1)),
    };

    public ValueTask InitializeAsync() => cluster.InitializeAsync();

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    [Fact]
    public async Task Meet_MakesNoGrainAndStoresNothing_ForNamesThatNobodyAnswersFor()
    {
        cluster.Nodes.IsAnyoneThere = identity => !identity.StartsWith("invented", StringComparison.Ordinal);
        await MeetAsync(Enumerable.Range(0, Names).Select(number => $"invented{number}.example.net"));
        await cluster.AnswerSweep("true.example.net");
        await cluster.Until("true.example.net", node => node.Stage == NodeStage.Restarted);
        await TestKit.Readiness.UntilAsync(
            _ => Task.FromResult(cluster.Nodes.SilentCalls >= Names), "all names were asked", TestContext.Current.CancellationToken,
            () => $"{cluster.Nodes.SilentCalls} were");

        // One name for each slice, and the true one.
        Assert.InRange(await CountGrains(), 1, FleetSlices.Count + 1);
        Assert.InRange(await CountListed(), 1, FleetSlices.Count + 1);
        Assert.Equal(NodeStage.Restarted, (await cluster.Node("true.example.net").Get()).Stage);
    }

    [Fact]
    public async Task Continue_ForgetsANameThatShowsNothing_AndDecommissionTakesAnyListedNameOff()
    {
        cluster.Nodes.IsAnyoneThere = _ => false;
        await MeetAsync(["gone.example.net"], TimeSpan.FromMinutes(1));
        await TestKit.Readiness.UntilAsync(
            _ => Task.FromResult(cluster.Nodes.SilentCalls > 1), "it was listed and asked", TestContext.Current.CancellationToken);
        await TestKit.Readiness.UntilAsync(
            async _ => await ListAsync("gone.example.net") is null, "it is forgotten", TestContext.Current.CancellationToken);
        Assert.Equal(NodeStage.Unknown, (await cluster.Node("gone.example.net").Get()).Stage);
        Assert.Null(await cluster.Node("gone.example.net").Decommission(new DecommissionRequest("clutter")));

        await cluster.Roster("seen.example.net").Record(
            cluster.UnknownOf("seen.example.net") with { Liveness = NodeLiveness.Lost });
        Assert.NotNull(await cluster.Node("seen.example.net").Decommission(new DecommissionRequest("clutter")));
        Assert.Null(await ListAsync("seen.example.net"));
    }

    private Task MeetAsync(IEnumerable<string> names, TimeSpan ago = default) => Task.WhenAll(
        names.Select(cluster.StartOf).Select(started => started with { ReceivedAt = started.ReceivedAt - ago })
            .GroupBy(started => FleetSlices.NumberOf(started.Identity)).Select(slice => cluster.Slice(slice.Key).Observe([.. slice])));

    private async Task<RosterEntry?> ListAsync(string identity) =>
        (await cluster.Roster(identity).List(null, null, 1000)).FirstOrDefault(entry => entry.Identity == identity);

    private async Task<int> CountGrains() =>
        (await cluster.Statistics()).Where(one => one.GrainType.Contains("NodeGrain", StringComparison.Ordinal))
            .Sum(one => one.ActivationCount);

    private async Task<int> CountListed() => (await Task.WhenAll(Enumerable.Range(0, FleetSlices.Count)
        .Select(slice => cluster.Slice(slice).CountStages()))).Sum(counts => counts.Values.Sum());
}
