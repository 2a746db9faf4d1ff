using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>The brokers were away for long, and every node is held for its silence. Then they are back.</summary>
public sealed class RevivalTests : IAsyncLifetime
{
    private readonly string[] nodes = [.. Enumerable.Range(0, 300).Select(number => $"back{number}.example.net")];

    private readonly NodeCluster cluster = new()
    {
        Provisioning = options => (options.RetryDelay, options.SilentAfter) = (TimeSpan.FromMinutes(5), 1),
    };

    private volatile bool isThere;

    public async ValueTask InitializeAsync()
    {
        await cluster.InitializeAsync();
        cluster.Nodes.IsAnyoneThere = _ => isThere;
    }

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    [Fact]
    public async Task RecordSweepAnswers_MakesThoseDueAtOnce_WhoWereHeldForSilence()
    {
        await Task.WhenAll(nodes.Select(cluster.Start));
        foreach (var node in nodes)
        {
            var held = await cluster.Until(node, one => one.Stage == NodeStage.Silent);
            Assert.True(held.DueAt > TimeProvider.System.GetUtcNow().AddMinutes(3));
        }

        isThere = true;
        await UntilAtRest();
        await Task.WhenAll(nodes.Select(cluster.AnswerSweep));

        foreach (var node in nodes)
        {
            await cluster.Until(node, one => one.Stage == NodeStage.Restarted);
        }
    }

    // A node's own answer comes before its slice has it.
    private Task UntilAtRest() => TestKit.Readiness.UntilAsync(
        async _ => (await Task.WhenAll(Enumerable.Range(0, FleetSlices.Count).Select(slice => cluster.Slice(slice).CountStages())))
            .Sum(counts => counts.GetValueOrDefault(NodeStage.Silent)) == nodes.Length,
        "all are held",
        TestContext.Current.CancellationToken);
}
