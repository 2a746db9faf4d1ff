using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Cluster.Tests.Enrolment;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>
/// Two overlays as real processes, each with silos, Redis and brokers of its own. Nodes come in by the first one's provisioning network;
/// then the first, which leads the region, is lost with all its processes.
/// </summary>
public sealed class OwnOverlayTests : IAsyncLifetime
{
    private const int First = 0;
    private const int Second = 1;
    private const int HardLimit = 8;
    private const string Policy = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: by-customer }
        spec:
          attributes: { customer: { from: enrolment.customer } }
          groups: [ { name: customer, key: [customer] } ]
          filters:
            - { name: east, when: 'node.customer == "east"', require: 'overlay.name == "overlay-1"' }
            - { name: west, when: 'node.customer == "west"', require: 'overlay.name == "overlay-2"' }
          leaderLost: membersOfLocalGroups
        """;

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    private EnrolmentStage stage = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        stage = await Stages.StartAsync(
            new EnrolmentStageOptions
            {
                SiloProgram = Stages.SiloProgram,
                Overlays = 2,
                OwnClusters = true,
                HardLimit = HardLimit,
                RegistrationInterval = TimeSpan.FromSeconds(3),
                MoreConfiguration = """
                    Liveness:
                      LateAfter: 00:00:15
                      LostAfter: 00:00:30
                    """,
                MoreProvisioning = "  SweepInterval: 00:00:10",
            },
            Token);
        await Task.WhenAll(stage.StartSiloAsync(Token), stage.StartSiloAsync(Token, number: Second));
    }

    public ValueTask DisposeAsync() => stage.DisposeAsync();

    [Fact]
    public async Task AnOverlay_OwnsItsNodes_AndGoesOnWithThem_WhenTheOtherAndTheLeaderAreLost()
    {
        await PostAsync(First, "/v1/placement/policy:apply", new { text = Policy });
        await UntilAsync(Second, "/v1/placement/leader", leader => leader.GetProperty("policyVersion").GetInt32() == 1);
        await using var east = await StartAsync("east", 3);
        await using var west = await StartAsync("west", 5);
        await EnrolledAsync(First, east, "overlay-1");
        await EnrolledAsync(Second, west, "overlay-2");
        foreach (var node in west.Nodes)
        {
            // Who only heard it knows whose it is.
            Assert.Equal(("elsewhere", "overlay-2"), await WhereAsync(First, node.Identity));
        }

        await UntilAsync(First, "/v1/overlays", overlays => (Nodes(overlays, 1), Nodes(overlays, 2)) == (3, 5));

        await stage.KillSiteAsync(First);

        await EnrolsAnewAsync(west.Nodes[0]);
        await DiesAsync(west, west.Nodes[1]);
        await IsDecommissionedAsync(west.Nodes[2]);
        await using var later = await StartAsync("west-later", 1, "west");
        await EnrolledAsync(Second, later, "overlay-2");

        await stage.StartSiteAsync(First, Token);

        // Five came, one left, one joined; the dead one keeps its place until somebody decommissions it.
        await UntilAsync(First, "/v1/overlays", overlays => (Nodes(overlays, 1), Nodes(overlays, 2)) == (3, 5));
        await UntilAsync(Second, "/v1/overlays", overlays => (Nodes(overlays, 1), Nodes(overlays, 2)) == (3, 5));
        var (first, second) = (await OwnedAsync(First), await OwnedAsync(Second));
        Assert.Empty(first.Intersect(second));
        Assert.Equal(east.Nodes.Select(node => node.Identity).Order(StringComparer.Ordinal), first.Order(StringComparer.Ordinal));
        Assert.All(await GetOverlaysAsync(First), overlay => Assert.InRange(overlay.GetProperty("nodes").GetInt32(), 0, HardLimit));
    }

    private async Task EnrolsAnewAsync(SimulatedNode node)
    {
        var before = node.CertificateSerial;
        await PostAsync(Second, $"/v1/nodes/{node.Identity}:reprovision", new { reason = "while the leader is lost" });
        await UntilAsync(
            Second,
            $"/v1/nodes/{node.Identity}",
            snapshot => Text(snapshot, "stage") == "enrolled"
                && node.Stage == SimulatedNodeStage.Arrived && node.CertificateSerial != before);
    }

    private async Task DiesAsync(SimulatedFleet fleet, SimulatedNode node)
    {
        fleet.Crash(node.Identity);
        await UntilAsync(Second, $"/v1/nodes/{node.Identity}", snapshot => Text(snapshot, "liveness") is "late" or "lost");
    }

    private async Task IsDecommissionedAsync(SimulatedNode node)
    {
        await PostAsync(Second, $"/v1/nodes/{node.Identity}:decommission", new { reason = "while the leader is lost" });
        await UntilAsync(Second, $"/v1/nodes/{node.Identity}", snapshot => Text(snapshot, "stage") == "gone");
        await UntilAsync(Second, "/v1/overlays", overlays => Nodes(overlays, 2) == 4);
    }

    // The first one's brokers while they are there, then the second's.
    private Task<SimulatedFleet> StartAsync(string name, int nodes, string? customer = null) => SimulatedFleet.StartAsync(
        Stages.Fleet(stage, nodes, FleetProtocol.V1, name + "{n:00}.example.net") with
        {
            Brokers = $"{stage.Brokers.ProvisioningOf(First)!.Url},{stage.Brokers.ProvisioningOf(Second)!.Url}",
            ExtensionsPattern = $$"""{"customer":"{{customer ?? name}}"}""",
        },
        Token);

    private async Task EnrolledAsync(int site, SimulatedFleet fleet, string overlay)
    {
        foreach (var node in fleet.Nodes)
        {
            await UntilAsync(
                site,
                $"/v1/nodes/{node.Identity}",
                snapshot => (Text(snapshot, "stage"), Text(snapshot, "overlay")) == ("enrolled", overlay));
        }
    }

    private async Task<(string Stage, string Overlay)> WhereAsync(int site, string identity)
    {
        var node = await stage.Silos[site]!.Api.GetFromJsonAsync<JsonElement>($"/v1/nodes/{identity}", Token);
        return (Text(node, "stage"), Text(node, "overlay"));
    }

    private async Task<IReadOnlyList<string>> OwnedAsync(int site)
    {
        var page = await stage.Silos[site]!.Api.GetFromJsonAsync<JsonElement>("/v1/nodes?state=enrolled&limit=1000", Token);
        return [.. page.GetProperty("nodes").EnumerateArray().Select(node => Text(node, "identity"))];
    }

    private async Task<IEnumerable<JsonElement>> GetOverlaysAsync(int site) =>
        (await stage.Silos[site]!.Api.GetFromJsonAsync<JsonElement>("/v1/overlays", Token)).EnumerateArray();

    private async Task UntilAsync(int site, string path, Func<JsonElement, bool> condition)
    {
        var last = "";
        await Readiness.UntilAsync(
            async _ =>
            {
                using var answer = await stage.Silos[site]!.Api.GetAsync(path, Token);
                last = await answer.Content.ReadAsStringAsync(Token);
                return answer.IsSuccessStatusCode && condition(JsonDocument.Parse(last).RootElement);
            },
            $"{path} at overlay-{site + 1} is as it should be",
            Token,
            () => $"{last}\n{stage.SiloOutput}",
            Deadline);
    }

    private async Task PostAsync(int site, string path, object body)
    {
        using var answer = await stage.Silos[site]!.Api.PostAsJsonAsync(path, body, Token);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Token));
    }

    private static int Nodes(JsonElement overlays, int number) => overlays.EnumerateArray()
        .Single(one => Text(one, "name") == $"overlay-{number}").GetProperty("nodes").GetInt32();

    private static string Text(JsonElement element, string field) => element.GetProperty(field).GetString() ?? "";
}
