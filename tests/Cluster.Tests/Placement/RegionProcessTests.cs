using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Cluster.Tests.Enrolment;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>
/// A region of two overlays as real processes, each with a silo of its own and a broker like Choria's: the leader dies for good, and comes
/// back.
/// </summary>
public sealed class RegionProcessTests : IAsyncLifetime
{
    private const int First = 0;
    private const int Second = 1;
    private const string Policy = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: two }
        spec:
          scores:
            - name: near
              weight: 100
              prefer: 'matches(node, "^east") and overlay.name == "overlay-1" or matches(node, "^west") and overlay.name == "overlay-2"'
          rebalance: { maxMovesPerMinute: 6000, approval: none }
        """;

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    private EnrolmentStage stage = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        stage = await Stages.StartAsync(
            new EnrolmentStageOptions
            {
                SiloProgram = Stages.SiloProgram, Overlays = 2, OwnClusters = true, HardLimit = 30, ChoriaBrokers = true,
            },
            Token);
        await Task.WhenAll(stage.StartSiloAsync(Token), stage.StartSiloAsync(Token, number: Second));
    }

    public ValueTask DisposeAsync() => stage.DisposeAsync();

    [Fact]
    public async Task ThePromotedOverlay_GoesOn_AndTheOldHomeIsFenced_WhenItComesBack()
    {
        await PostAsync(First, "/v1/placement/policy:apply", new { text = Policy });
        await using var east = await EnrolAsync(First, "east{n:00}.example.net", 4);
        await using var west = await EnrolAsync(Second, "west{n:00}.example.net", 4);
        await PostAsync(First, "/v1/overlays/overlay-1:set-state", new { state = "cordoned", reason = "for the test" });
        await UntilAsync(
            Second, "/v1/overlays", overlays => Overlay(overlays, 1) == ("cordoned", 4) && Overlay(overlays, 2) == ("active", 4));

        // Decisions go on in the overlay that is promoted.
        await stage.Silos[First]!.KillAsync();
        await PostAsync(Second, "/v1/placement/leader:promote", new { reason = "the leader is dead" });
        await using var later = await EnrolAsync(Second, "west-later{n:00}.example.net", 3);
        Assert.Equal(("isolated", 0), Overlay(await GetAsync(Second, "/v1/overlays"), 1));

        // The old leader believes that it is the leader still, until it hears of the epoch.
        await stage.StartSiloAsync(Token, number: First);
        await UntilAsync(First, "/v1/placement/leader", leader => Text(leader, "leader") == "overlay-2");
        using var fenced = await TryPostAsync(First, "/v1/overlays/overlay-1:set-state", new { state = "active", reason = "x" });
        Assert.Equal(HttpStatusCode.Conflict, fenced.StatusCode);
        await UntilAsync(
            Second, "/v1/overlays", overlays => Overlay(overlays, 1) == ("cordoned", 4) && Overlay(overlays, 2) == ("active", 7));

        // Its newcomers are placed by the new leader, each once; and a plan of the new leader moves nodes that its silos keep.
        await PostAsync(Second, "/v1/overlays/overlay-1:set-state", new { state = "active", reason = "all is well" });
        await using var last = await EnrolAsync(First, "east-last{n:00}.example.net", 2);
        await UntilAsync(
            Second, "/v1/overlays", overlays => Overlay(overlays, 1) == ("active", 6) && Overlay(overlays, 2) == ("active", 7));
        await RetireAsync();
        await UntilAsync(
            Second, "/v1/overlays", overlays => Overlay(overlays, 1) == ("retired", 0) && Overlay(overlays, 2) == ("active", 13));
        foreach (var node in east.Nodes.Concat(last.Nodes))
        {
            Assert.Equal("overlay-2", Text(await GetAsync(First, $"/v1/nodes/{node.Identity}"), "overlay"));
            Assert.Equal("overlay-2", Text(await GetAsync(Second, $"/v1/placement/explanations/{node.Identity}"), "overlay"));
        }
    }

    // A node that does not hear in time on a busy machine stays where it is, and its plan says that another plan is to be made for it.
    private async Task RetireAsync()
    {
        for (var plan = 0; plan == 0 || Overlay(await GetAsync(Second, "/v1/overlays"), 1).Nodes > 0; plan++)
        {
            Assert.True(plan < 4, (await GetAsync(Second, "/v1/placement/plans")).ToString());
            await PostAsync(Second, "/v1/placement/plans", new { kind = "retire", overlay = "overlay-1" });
            await UntilAsync(
                Second, "/v1/placement/plans", plans => plans.EnumerateArray().All(one => Text(one, "stage") is "done" or "paused"));
        }
    }

    private async Task<SimulatedFleet> EnrolAsync(int cluster, string identityPattern, int nodes)
    {
        var fleet = await SimulatedFleet.StartAsync(
            Stages.Fleet(
                stage, nodes, FleetProtocol.V1, identityPattern) with { Brokers = stage.Brokers.ProvisioningOf(cluster)!.Url }, Token);
        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.Silos[cluster]!.Output);
        foreach (var node in fleet.Nodes)
        {
            await UntilAsync(cluster, $"/v1/nodes/{node.Identity}", snapshot => Text(snapshot, "stage") == "enrolled");
        }

        return fleet;
    }

    private async Task UntilAsync(int cluster, string path, Func<JsonElement, bool> condition)
    {
        var last = "";
        var plans = "";
        await Readiness.UntilAsync(
            async _ =>
            {
                var answer = await GetAsync(cluster, path);
                last = answer.ToString();
                using var planned = await stage.Silos[cluster]!.Api.GetAsync("/v1/placement/plans", Token);
                plans = await planned.Content.ReadAsStringAsync(Token);
                return condition(answer);
            },
            $"{path} at overlay-{cluster + 1} is as it should be",
            Token,
            () => $"{last}\n{plans}\n{string.Join('\n', stage.Silos.Select(silo => silo?.Output))}",
            Deadline);
    }

    private async Task<JsonElement> GetAsync(int cluster, string path)
    {
        Assert.True(stage.Silos[cluster]!.IsRunning, stage.Silos[cluster]!.Output);
        return await stage.Silos[cluster]!.Api.GetFromJsonAsync<JsonElement>(path, Token);
    }

    private async Task PostAsync(int cluster, string path, object body)
    {
        using var answer = await TryPostAsync(cluster, path, body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Token));
    }

    private Task<HttpResponseMessage> TryPostAsync(int cluster, string path, object body) =>
        stage.Silos[cluster]!.Api.PostAsJsonAsync(path, body, Token);

    private static (string State, int Nodes) Overlay(JsonElement overlays, int number)
    {
        var overlay = overlays.EnumerateArray().Single(one => Text(one, "name") == $"overlay-{number}");
        return (Text(overlay, "state"), overlay.GetProperty("nodes").GetInt32());
    }

    private static string Text(JsonElement element, string field) => element.GetProperty(field).GetString()!;
}
