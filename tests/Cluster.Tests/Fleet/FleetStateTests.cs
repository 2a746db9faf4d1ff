using ControlPlane.Nodes;
using ControlPlane.TestKit;

namespace ControlPlane.Cluster.Tests.Fleet;

/// <summary>Liveness, inventories and the index over a real nats-server, with silos that die and others that go on.</summary>
public sealed class FleetStateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly string[] Living = [.. Enumerable.Range(0, 12).Select(number => $"web{number}.example.net")];

    private static readonly NatsServerSettings Newest = new() { JetStream = true, Program = NatsPrograms.Newest };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Liveness_IsAnnounced_AndASiloThatDies_MakesNoLivingNodeLate()
    {
        await using var server = await NatsServer.StartAsync(Newest, Cancelled);
        await using var cluster = await FleetStateCluster.StartAsync(server, silos: 2);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        await cluster.SayAlive("dead.example.net");
        var living = KeepAlive(cluster, ending.Token);

        await Until(cluster, said => Living.All(node => said.Contains(("new", node))) && said.Contains(("new", "dead.example.net")));
        await cluster.Silos.KillSiloAsync(cluster.Silos.Silos[^1], Cancelled);
        await Until(cluster, said => said.Contains(("timeout", "dead.example.net")));
        await Until(cluster, said => said.Contains(("expire", "dead.example.net")));

        var told = await cluster.AdvisoriesAsync(Cancelled);
        await ending.CancelAsync();
        if (await living < FleetStateCluster.LateAfter / 2)
        {
            // Otherwise the machine was so busy that these were silent indeed.
            Assert.DoesNotContain(told, said => said.Event is "timeout" or "expire" && Living.Contains(said.Node));
        }

        Assert.All(Living, node => Assert.Single(told, said => said == ("new", node)));
        Assert.DoesNotContain("cannot be read again", cluster.Log.Text, StringComparison.Ordinal);
        await cluster.SayTransition("dead.example.net");
        await Until(cluster, said => said.Contains(("recover", "dead.example.net")));
        var snapshot = await cluster.Silos.Client.GetGrain<IInternalNodeGrain>("dead.example.net").Get();
        Assert.Equal(NodeLiveness.Returned, snapshot.Liveness);
    }

    [Fact]
    public async Task Silence_IsNoticed_BySilosThatTakeOver_ThoughNobodySpeaks()
    {
        await using var server = await NatsServer.StartAsync(Newest, Cancelled);
        await using var cluster = await FleetStateCluster.StartAsync(server, silos: 1);
        foreach (var node in Living)
        {
            await cluster.SayAlive(node);
        }

        await Until(cluster, said => Living.All(node => said.Contains(("new", node))));
        await cluster.Silos.KillSiloAsync(cluster.Silos.Silos[0], Cancelled);
        await cluster.Silos.DisposeAsync();
        await cluster.StartSilosAsync(1);

        await Until(cluster, said => Living.All(node => said.Contains(("expire", node))));
    }

    [Fact]
    public async Task Inventories_AreFound_AndStillThere_AfterAllSilosWereReplaced()
    {
        await using var server = await NatsServer.StartAsync(Newest, Cancelled);
        await using var cluster = await FleetStateCluster.StartAsync(server, silos: 1);
        foreach (var (number, node) in Living.Index())
        {
            await cluster.SayAlive(node);
            await cluster.Register(node, $$"""{"country":"{{(number % 2 == 0 ? "uk" : "de")}}","rank":{{number}}}""");
        }

        var british = NodeQuery.All with { Filter = "country=uk and rank>=4 and rpcutil" };
        string[] expected = ["web10.example.net", "web4.example.net", "web6.example.net", "web8.example.net"];
        await Until(cluster, async () => (await cluster.SelectAsync(british)).SequenceEqual(expected));

        await cluster.StopSilosAsync();
        await cluster.StartSilosAsync(1);
        foreach (var node in Living)
        {
            await cluster.SayAlive(node);
        }

        await Until(cluster, async () => (await cluster.SelectAsync(british)).SequenceEqual(expected));
    }

    /// <summary>Has the living speak every second, and returns the longest that they did not.</summary>
    private static async Task<TimeSpan> KeepAlive(FleetStateCluster cluster, CancellationToken ending)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var spokeAt = TimeProvider.System.GetTimestamp();
        var longest = TimeSpan.Zero;
        try
        {
            do
            {
                foreach (var node in Living)
                {
                    // A third of them by their autonomous agents alone, and a third by what programs on them submit.
                    await ((Array.IndexOf(Living, node) % 3) switch
                    {
                        0 => cluster.SayAlive(node),
                        1 => cluster.SayTransition(node),
                        _ => cluster.Submit(node),
                    });
                }

                var silence = TimeProvider.System.GetElapsedTime(spokeAt);
                longest = silence > longest ? silence : longest;
                spokeAt = TimeProvider.System.GetTimestamp();
            }
            while (await timer.WaitForNextTickAsync(ending));
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }

        return longest;
    }

    private static Task Until(FleetStateCluster cluster, Func<IReadOnlyList<(string Event, string Node)>, bool> holds) =>
        Until(cluster, async () => holds(await cluster.AdvisoriesAsync(Cancelled)));

    private static async Task Until(FleetStateCluster cluster, Func<Task<bool>> holds)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        deadline.CancelAfter(Patience);
        while (!await holds())
        {
            Assert.False(deadline.IsCancellationRequested, cluster.Log.Text);
            await Task.Delay(TimeSpan.FromMilliseconds(100), Cancelled);
        }
    }
}
