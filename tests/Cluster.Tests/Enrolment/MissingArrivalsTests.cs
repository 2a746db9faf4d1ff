using ControlPlane.Cluster.Tests.Nodes;
using ControlPlane.Enrolment;
using ControlPlane.Nodes;
using ControlPlane.TestKit;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>Nodes that are configured and never arrive, over real grains and fake nodes.</summary>
public sealed class MissingArrivalsTests : IAsyncLifetime
{
    private const int AwaitedMin = 6;

    private readonly NodeCluster cluster = new()
    {
        Admission = options => (options.ArrivalsAwaitedMin, options.BrakeMissingMin) = (AwaitedMin, 4),
        Provisioning = options => options.ArrivalDeadline = TimeSpan.FromSeconds(10),
    };

    private readonly string[] nodes = [.. Enumerable.Range(0, 40).Select(number => $"away{number:00}.example.net")];

    private volatile bool doArrive;

    public async ValueTask InitializeAsync()
    {
        await cluster.InitializeAsync();

        // After the restart they are nowhere.
        cluster.Nodes.IsAnyoneThere = node => doArrive || !IsConfigured(node);
    }

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    [Fact]
    public async Task NodesThatDoNotArrive_StopTheNextOnes_UntilTheBrakeIsReleased()
    {
        await Task.WhenAll(nodes.Select(cluster.Start));

        await cluster.UntilKnown(control => control.Brake is not null);
        var brake = (await cluster.Control.Get())!;
        Assert.True(brake.BrakesAll);
        Assert.Contains("neither arrived nor came back to provisioning", brake.Brake!.Reason, StringComparison.Ordinal);

        // Everybody else waits, and nothing is held against them.
        var all = await Task.WhenAll(nodes.Select(node => cluster.Until(node, one => one.Reason is not null || IsConfigured(node))));
        var waiting = all.Where(node => !IsConfigured(node.Identity)).ToList();
        Assert.All(waiting, node => Assert.StartsWith(
            "enrolment in overlay overlay-1 waits for an operator to release the brake", node.Reason, StringComparison.Ordinal));

        // One more, that the last place was for when those before it were given up.
        Assert.InRange(nodes.Length - waiting.Count, AwaitedMin, AwaitedMin + 1);

        await cluster.Start("newcomer.example.net");
        await cluster.Until("newcomer.example.net", node => node.Stage == NodeStage.Deferred);

        doArrive = true;
        await cluster.Control.ReleaseBrake(new ControlChange("the firewall is open"));
        await Task.WhenAll(waiting.Select(node => node.Identity).Append("newcomer.example.net").Select(Arrive));
        Assert.Null((await cluster.Control.Get())!.Brake);
    }

    [Fact]
    public async Task NodesThatAreNotHeard_BecauseOurNetworkIsAway_AreNotMissing()
    {
        cluster.Nodes.Hearing = TimeSpan.FromSeconds(9);
        await Task.WhenAll(nodes.Take(AwaitedMin).Select(cluster.Start));
        foreach (var node in nodes.Take(AwaitedMin))
        {
            await cluster.Until(node, one => one.Stage == NodeStage.Silent);
        }

        Assert.Null((await cluster.Control.Get())!.Brake);
    }

    [Fact]
    public async Task ANodeThatWasHeldOnItsWay_LeavesItsPlaceToOthers()
    {
        foreach (var node in nodes.Take(AwaitedMin))
        {
            cluster.Nodes[node].FailNext("configure", new NodeRefusedException(NodeFault.Locked, "locked"));
        }

        await Task.WhenAll(nodes.Take(AwaitedMin).Select(cluster.Start));
        foreach (var node in nodes.Take(AwaitedMin))
        {
            await cluster.Until(node, one => one.Stage == NodeStage.Deferred);
        }

        await Task.WhenAll(nodes.Skip(AwaitedMin).Take(AwaitedMin).Select(cluster.Start));
        foreach (var node in nodes.Skip(AwaitedMin).Take(AwaitedMin))
        {
            await cluster.Until(node, one => one.Stage == NodeStage.Restarted);
        }
    }

    private bool IsConfigured(string node) => cluster.Nodes[node].Configuration is not null;

    // Says so until it is heard: on a busy machine the time to arrive may be over before that is said for the first time.
    private Task Arrive(string node) => Readiness.UntilAsync(
        async _ =>
        {
            if (IsConfigured(node))
            {
                await cluster.Arrive(node);
            }

            return (await cluster.Node(node).Get()).Stage == NodeStage.Enrolled;
        },
        $"{node} to be enrolled",
        TestContext.Current.CancellationToken);
}
