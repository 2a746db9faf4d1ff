using ControlPlane.Cluster.Tests.Nodes;
using ControlPlane.Enrolment;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>Operators and the brake, over real grains and fake nodes.</summary>
public sealed class EnrolmentControlTests : IAsyncLifetime
{
    private static readonly ControlChange Moved = new("the CA is moved");

    private readonly NodeCluster cluster = new() { Admission = options => options.BrakeNodesMin = 3 };

    public ValueTask InitializeAsync() => cluster.InitializeAsync();

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    [Fact]
    public async Task Pause_HoldsNodes_WithoutAskingThemAnything_AndResumeLetsThemGoOnByThemselves()
    {
        var paused = await cluster.Control.Pause(Moved);
        Assert.Equal((1L, "system", "the CA is moved"), (paused!.Version, paused.Pause?.By, paused.Pause?.Reason));
        Assert.Equal(1, (await cluster.Control.Pause(Moved))!.Version);
        await cluster.UntilKnown(control => control.Version > 0);

        const string identity = "paused.example.net";
        await cluster.Start(identity);
        var held = await cluster.Until(identity, node => node.Stage == NodeStage.Deferred);
        Assert.Equal("enrolment in overlay overlay-1 is paused by system: the CA is moved", held.Reason);
        Assert.NotNull(held.DueAt);
        Assert.Empty(cluster.Nodes[identity].Calls);

        await cluster.Control.Resume(new ControlChange("moved"));
        await Enrol(identity);
        Assert.Equal(1, cluster.Nodes[identity].Calls.Count(call => call == "jwt"));
    }

    [Fact]
    public async Task Limit_GivesEachNodeItsTurn_AndFewerThanThatNeverEnrol()
    {
        await cluster.Control.Limit(6, new ControlChange("slowly"));
        await cluster.UntilKnown(control => control.Version > 0);
        string[] nodes = ["limited1.example.net", "limited2.example.net", "limited3.example.net"];
        await Task.WhenAll(nodes.Select(cluster.Start));

        // Two turns of ten seconds: the first ones may be the known one's and the first node's.
        var last = await Task.WhenAll(
            nodes.Select(node => cluster.Until(node, one => one.Stage is NodeStage.Deferred or NodeStage.Restarted)));
        Assert.Contains(
            last, node => node.Reason == "enrolment in overlay overlay-1 is limited to 6 a minute by system: slowly; it has its turn");

        // Nobody waits for a turn that is not needed any more.
        await cluster.Control.Limit(null, new ControlChange("quickly"));
        await Task.WhenAll(nodes.Select(node => cluster.Until(node, one => one.Stage == NodeStage.Restarted)));
    }

    [Fact]
    public async Task TheBrake_StopsNodesThatFellOut_AndNotNewOnes_UntilItIsReleased()
    {
        string[] nodes = ["fell1.example.net", "fell2.example.net", "fell3.example.net", "fell4.example.net"];
        foreach (var node in nodes)
        {
            await cluster.Start(node);
            await Enrol(node);
        }

        await Task.WhenAll(nodes.Take(3).Select(cluster.Start));
        await cluster.UntilKnown(control => control.Brake is not null);
        Assert.Equal("3 of its 4 nodes fell back to provisioning within 00:05:00", (await cluster.Control.Get())!.Brake!.Reason);

        await cluster.Start(nodes[3]);
        var held = await cluster.Until(nodes[3], node => node.Stage == NodeStage.Deferred);
        Assert.StartsWith(
            "enrolling again in overlay overlay-1 waits for an operator to release the brake", held.Reason, StringComparison.Ordinal);
        await cluster.Start("new.example.net");
        await cluster.Until("new.example.net", node => node.Stage == NodeStage.Restarted);

        await cluster.Control.ReleaseBrake(new ControlChange("it was the switch"));
        await cluster.Until(nodes[3], node => node is { Stage: NodeStage.Restarted, Attempt: 2 });
    }

    [Fact]
    public async Task TheBrake_IsNotSet_ByEventsThatAnybodyMayPublish()
    {
        string[] nodes = ["said1.example.net", "said2.example.net", "said3.example.net", "said4.example.net"];
        foreach (var node in nodes)
        {
            await cluster.Start(node);
            await Enrol(node);
            cluster.Nodes[node].LivesIn = NodeCluster.Overlay;
        }

        await Task.WhenAll(nodes.Select(cluster.Start));

        await cluster.UntilKnown(control => control.AreFallsChecked);
        await Task.WhenAll(nodes.Select(node => cluster.Until(
            node, one => one.History[^1].Detail?.StartsWith("somebody enrols in its name", StringComparison.Ordinal) == true)));
        Assert.Null((await cluster.Control.Get())!.Brake);
    }

    [Fact]
    public async Task ReleaseBrake_IsForBothBrakes_AndTheOneForAllTakesTheOthersPlace()
    {
        await cluster.Control.Report(new EnrolmentReport("silo", 1, Fallen: 0, Missing: Missing(0, 7)));
        await cluster.Control.Report(new EnrolmentReport("silo", 2, Fallen: 0, Missing: Missing(7, 2), Arrived: 2));
        Assert.Null((await cluster.Control.Get())!.Brake);

        var braked = await cluster.Control.Report(new EnrolmentReport("another silo", 1, Fallen: 0, Missing: Missing(9, 1)));
        Assert.True(braked!.BrakesAll);
        Assert.StartsWith("8 nodes were configured for it and restarted", braked.Brake!.Reason, StringComparison.Ordinal);
        await cluster.DeactivateAll();
        Assert.Equal(braked.Brake, (await cluster.Control.Get())!.Brake);

        var released = await cluster.Control.ReleaseBrake(Moved);
        Assert.Equal((null, false), (released!.Brake, released.BrakesAll));
        Assert.Null((await cluster.Control.Report(new EnrolmentReport("silo", 3, Fallen: 0, Missing: Missing(10, 7))))!.Brake);

        static IReadOnlyList<string> Missing(int from, int count) =>
            [.. Enumerable.Range(from, count).Select(number => $"missing{number}.example.net")];
    }

    [Fact]
    public async Task ANodeThatWasAskedToEnrolAnew_HasNotFallen()
    {
        string[] nodes = ["asked1.example.net", "asked2.example.net", "asked3.example.net"];
        foreach (var node in nodes)
        {
            await cluster.Start(node);
            await Enrol(node);
            await cluster.Node(node).Reprovision(new ReprovisionRequest("a test"), TestContext.Current.CancellationToken);
            await cluster.Start(node);
            await cluster.Until(node, one => one is { Stage: NodeStage.Restarted, Attempt: 2 });
        }

        Assert.Null((await cluster.Control.Get())!.Brake);
    }

    [Fact]
    public async Task DrawTurns_GivesTurnsOnce_AndChangesTakeThemBack()
    {
        Assert.Null(await cluster.Control.ReserveSlots(1));
        var limited = await cluster.Control.Limit(60, Moved);

        var first = await cluster.Control.ReserveSlots(3);
        var second = await cluster.Control.ReserveSlots(1);
        Assert.Equal((first!.First + TimeSpan.FromSeconds(3), limited!.Version), (second!.First, second.Version));

        var paused = await cluster.Control.Pause(Moved);
        Assert.True((await cluster.Control.ReserveSlots(1))!.First < second.First);
        Assert.True(paused!.Version > second.Version);
    }

    private async Task Enrol(string identity)
    {
        await cluster.Until(identity, node => node.Stage == NodeStage.Restarted);
        await cluster.Arrive(identity);
        await cluster.Until(identity, node => node.Stage == NodeStage.Enrolled);
    }
}
