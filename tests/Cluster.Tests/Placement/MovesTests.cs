using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Certificates;
using ControlPlane.Chaos;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

using Stages = ControlPlane.Cluster.Tests.Enrolment.Stages;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>
/// Nodes move between two overlays that are sites of their own, and the silo of one or the other is killed in the middle: each node ends
/// with one owner and one valid certificate, which is the one that it holds.
/// </summary>
public sealed class MovesTests : IAsyncLifetime
{
    private const int Nodes = 4;
    private const string Policy = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: to-and-fro }
        spec:
          filters: [ { name: there, require: 'overlay.name == "TARGET"' } ]
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
                SiloProgram = Stages.SiloProgram,
                Overlays = 2,
                OwnClusters = true,
                MoreProvisioning = "  SweepInterval: 00:00:10\n  RetryDelayMax: 00:00:10",
            },
            Token);
        await Task.WhenAll(stage.StartSiloAsync(Token), stage.StartSiloAsync(Token, number: 1));
    }

    public ValueTask DisposeAsync() => stage.DisposeAsync();

    [Fact]
    public async Task AMove_EndsWithOneOwnerAndOneCertificate_WhicheverSiloIsKilledOnTheWay()
    {
        await ApplyAsync(0);
        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, Nodes, FleetProtocol.V1) with
        {
            Brokers = $"{stage.Brokers.ProvisioningOf(0)!.Url},{stage.Brokers.ProvisioningOf(1)!.Url}",
        }, Token);
        await OwnedByAsync(0, fleet);

        // From the moment when a node has been told to enrol anew until its old owner has let go of it; the killed silo is in turn the old
        // owner's, which also hears the node and leads the region, and the new owner's.
        await MoveAsync(fleet, to: 1, killed: 0, when: node => node.Stage != SimulatedNodeStage.Arrived);
        await MoveAsync(fleet, to: 0, killed: 1, when: node => node.JwtCalls > 2);
        await MoveAsync(fleet, to: 1, killed: 1, when: node => node.GencsrCalls > 2);
        await MoveAsync(fleet, to: 0, killed: 0, when: node => node.ConfigureCalls > 3);
        await MoveAsync(fleet, to: 1, killed: 0, when: node => node is { ConfigureCalls: > 4, Stage: SimulatedNodeStage.Arrived });
    }

    [Fact]
    public async Task AReprovisionJob_HasSucceeded_WhenItsNodesHaveArrivedInAnotherOverlay()
    {
        await ApplyAsync(0);
        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, Nodes, FleetProtocol.V1) with
        {
            Brokers = $"{stage.Brokers.ProvisioningOf(0)!.Url},{stage.Brokers.ProvisioningOf(1)!.Url}",
        }, Token);
        await OwnedByAsync(0, fleet);
        await ApplyAsync(1);
        using var submitted = await stage.Silos[0]!.Api.PostAsJsonAsync(
            "/v1/jobs",
            new
            {
                agent = "controlplane",
                action = "reprovision",
                targets = new { all = true, overlays = new[] { EnrolmentStage.NameOf(0) } },
            },
            Token);
        var answer = await submitted.Content.ReadAsStringAsync(Token);
        Assert.True(submitted.IsSuccessStatusCode, answer);
        var job = $"/v1/jobs/{JsonDocument.Parse(answer).RootElement.GetProperty("id").GetString()}";

        await OwnedByAsync(1, fleet);
        JsonElement shown = default;
        await Readiness.UntilAsync(
            async token => (shown = await stage.Silos[0]!.Api.GetFromJsonAsync<JsonElement>(job, token))
                .GetProperty("state").GetString() == "completed",
            "the job to be completed",
            Token,
            () => $"{shown}\n{stage.SiloOutput}",
            Deadline);
        Assert.True(shown.GetProperty("counts").GetProperty("succeeded").GetInt32() == Nodes, $"{shown}\n{stage.SiloOutput}");
        var results = await stage.Silos[0]!.Api.GetFromJsonAsync<JsonElement>($"{job}/results?state=succeeded", Token);
        Assert.Contains($"it has arrived in {EnrolmentStage.NameOf(1)}", results.ToString(), StringComparison.Ordinal);
    }

    private async Task MoveAsync(SimulatedFleet fleet, int to, int killed, Func<SimulatedNode, bool> when)
    {
        await ApplyAsync(to);

        // The last node has moved before its plan is done, and one plan runs at a time.
        JsonElement plans = default;
        await Readiness.UntilAsync(
            async _ => (plans = await stage.Silos[0]!.Api.GetFromJsonAsync<JsonElement>("/v1/placement/plans", Token))
                .EnumerateArray().All(plan => plan.GetProperty("stage").GetString() is "done" or "aborted"),
            "no plan runs", Token, () => $"{plans}\n{stage.SiloOutput}", Deadline);
        await PostAsync("/v1/placement/plans", new { kind = "regroup" });
        await Readiness.UntilAsync(
            _ => Task.FromResult(fleet.Nodes.Any(when)), "a node is as far as that", Token, () => stage.SiloOutput, Deadline);
        await stage.Silos[killed]!.KillAsync();
        await stage.StartSiloAsync(Token, number: killed);
        await OwnedByAsync(to, fleet, GoOnAsync);
    }

    // As an operator does: a node that could not be reserved for, or told, is a failure of its plan, and of four the brake stops it.
    private async Task GoOnAsync()
    {
        var plans = await stage.Silos[0]!.Api.GetFromJsonAsync<JsonElement>("/v1/placement/plans", Token);
        var last = plans.EnumerateArray().First();
        (string, object)? call = last.GetProperty("stage").GetString() switch
        {
            "paused" => ($"/v1/placement/plans/{last.GetProperty("id").GetString()}:resume", new { reason = "to go on" }),
            "done" or "aborted" => ("/v1/placement/plans", new { kind = "regroup" }),
            _ => null,
        };
        if (call is (var path, var body))
        {
            using var goneOn = await stage.Silos[0]!.Api.PostAsJsonAsync(path, body, Token);
        }
    }

    private async Task OwnedByAsync(int site, SimulatedFleet fleet, Func<Task>? meanwhile = null)
    {
        var last = "";
        await Readiness.UntilAsync(
            async _ =>
            {
                await (meanwhile?.Invoke() ?? Task.CompletedTask);
                return (last = await WhatIsAmissAsync(site, fleet)).Length == 0;
            },
            $"overlay-{site + 1} owns all nodes, each with one certificate",
            Token,
            () => $"{last}\n{stage.SiloOutput}",
            Deadline);
    }

    private async Task<string> WhatIsAmissAsync(int site, SimulatedFleet fleet)
    {
        var owned = await StagesAsync(site);
        var others = await StagesAsync(1 - site);
        var orders = (await LedgerView.ReadAsync(stage.Redises[0].ConnectionString, EnrolmentStage.NameOf(0), Token))
            .Concat(await LedgerView.ReadAsync(stage.Redises[1].ConnectionString, EnrolmentStage.NameOf(1), Token))
            .Where(order => order.State == LedgerState.Issued)
            .ToLookup(order => order.Identity, order => order.Certificate?.SerialNumber?.TrimStart('0'));
        foreach (var node in fleet.Nodes)
        {
            if (owned.GetValueOrDefault(node.Identity) != "enrolled" || others.GetValueOrDefault(node.Identity) == "enrolled")
            {
                return $"{node.Identity} is {owned.GetValueOrDefault(node.Identity)} here, {others.GetValueOrDefault(node.Identity)} there";
            }

            if (!orders[node.Identity].SequenceEqual([node.CertificateSerial?.TrimStart('0')]))
            {
                return $"{node.Identity} holds {node.CertificateSerial}, and valid are {string.Join(", ", orders[node.Identity])}";
            }
        }

        return "";
    }

    private async Task<IReadOnlyDictionary<string, string>> StagesAsync(int site)
    {
        var page = await stage.Silos[site]!.Api.GetFromJsonAsync<JsonElement>("/v1/nodes?limit=1000", Token);
        return page.GetProperty("nodes").EnumerateArray().ToDictionary(
            node => node.GetProperty("identity").GetString()!, node => node.GetProperty("stage").GetString()!);
    }

    private Task ApplyAsync(int site) => PostAsync(
        "/v1/placement/policy:apply",
        new { text = Policy.Replace("TARGET", EnrolmentStage.NameOf(site), StringComparison.Ordinal) });

    private async Task PostAsync(string path, object body)
    {
        using var answer = await stage.Silos[0]!.Api.PostAsJsonAsync(path, body, Token);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Token));
    }
}
