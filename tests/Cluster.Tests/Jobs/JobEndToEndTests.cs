using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Cluster.Tests.Enrolment;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Jobs;

/// <summary>
/// Jobs with nothing but real processes: a broker as strict as Choria's, Redis, a silo, and nodes that speak Choria's protocol.
/// </summary>
public sealed class JobEndToEndTests : IAsyncLifetime
{
    private const int Nodes = 40;

    private readonly HookServer hook = new();
    private EnrolmentStage stage = null!;
    private SimulatedFleet fleet = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private HttpClient Api => stage.Silo!.Api;

    public async ValueTask InitializeAsync()
    {
        await hook.StartAsync(Token);
        stage = await Stages.StartAsync(
            new EnrolmentStageOptions
            {
                SiloProgram = Stages.SiloProgram,
                MutualTls = false,
                ChoriaBrokers = true,
                MoreConfiguration = $"""
                    Jobs:
                      GateWait: 00:00:01
                      WebHooks:
                        board:
                          Url: {hook.Url}
                          SecretFile: {hook.SecretFile}
                      Ddl:
                        Folder: {Path.Combine(RepositoryRoot.Path, "tests/FleetSimulator")}
                    """,
            },
            Token);
        await stage.StartSiloAsync(Token);
        fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, Nodes, FleetProtocol.V2), Token);
        Assert.True(await fleet.WaitForArrivalsAsync(FleetAssert.Deadline, cancellationToken: Token), stage.SiloOutput);

        // A job's targets are the nodes that the inventory has as enrolled, which it hears a moment after they are.
        await Readiness.UntilAsync(
            async token => (await Api.GetFromJsonAsync<JsonElement>($"/v1/nodes?stage=enrolled&limit={Nodes}", token))
                .GetProperty("nodes").GetArrayLength() == Nodes,
            "every node in the inventory",
            Token,
            () => stage.SiloOutput);
    }

    public async ValueTask DisposeAsync()
    {
        await fleet.DisposeAsync();
        await stage.DisposeAsync();
        await hook.DisposeAsync();
    }

    [Fact]
    public async Task AJob_AsksEachNodeOnce_StageByStage_AndTellsWhatCameOfIt()
    {
        var submitted = new
        {
            agent = "simulated",
            action = "run",
            inputs = new { seconds = 0 },
            targets = new { all = true, seed = 7 },
            stages = new object[] { new { name = "canary", size = "10%" }, new { name = "rest", size = "100%" } },
        };
        using var answer = await Api.PostAsJsonAsync("/v1/jobs:dry-run", submitted, Token);
        var dryRun = await answer.Content.ReadFromJsonAsync<JsonElement>(Token);
        Assert.True(dryRun.GetProperty("state").GetString() == "running", dryRun.ToString());
        Assert.Equal(
            [4, Nodes - 4], dryRun.GetProperty("stages").EnumerateArray().Select(stage => stage.GetProperty("targets").GetInt32()));
        Assert.All(fleet.Nodes, node => Assert.Empty(node.Executions));

        var id = await SubmitAsync(submitted);
        var job = await UntilAsync(id, "completed");
        var targets = await Api.GetFromJsonAsync<JsonElement>($"/v1/jobs/{id}/targets?limit={Nodes}", Token);
        Assert.Equal(PlacesOf(targets.GetProperty("targets")), PlacesOf(dryRun.GetProperty("nodes")));
        Assert.Equal(Nodes, Count(job, "succeeded"));
        Assert.Equal([4, Nodes - 4], job.GetProperty("stages").EnumerateArray().Select(stage => Count(stage, "succeeded")));
        Assert.All(fleet.Nodes, node => Assert.Equal(1, node.Executions.Values.Sum()));

        var results = await Api.GetFromJsonAsync<JsonElement>($"/v1/jobs/{id}/results?limit=1000", Token);
        Assert.Equal(Nodes, results.GetProperty("results").GetArrayLength());
        var listed = await Api.GetFromJsonAsync<JsonElement>("/v1/jobs", Token);
        Assert.Contains(id, listed.ToString());
    }

    [Fact]
    public async Task AJob_GoesOn_WhenItsSiloIsKilled_AndNobodyIsGivenAnAttemptTwice()
    {
        var id = await SubmitAsync(new
        {
            agent = "simulated",
            action = "run",
            inputs = new { seconds = 0.2 },
            targets = new { all = true, seed = 7 },
            timeouts = new { execution = "10s", unknownGrace = "1s" },
            stages = new object[] { new { name = "all", size = "100%", concurrency = 2 } },
        });
        foreach (var share in (int[])[30, 60, 90])
        {
            await Readiness.UntilAsync(
                async token => Count(await ShowAsync(id, token), "succeeded") * 100 >= share * Nodes,
                $"{share} % of the job",
                Token,
                () => stage.SiloOutput);
            await stage.Silo!.KillAsync();
            await stage.StartSiloAsync(Token);
        }

        var job = await UntilAsync(id, "completed");
        Assert.Equal(Nodes, Count(job, "succeeded") + Count(job, "unknown"));
        Assert.InRange(Count(job, "unknown"), 0, 6);
        Assert.All(fleet.Nodes, node => Assert.InRange(node.Executions.Values.Sum(), 0, 1));
    }

    [Fact]
    public async Task AJobAfterAnother_ActsOnTheNodesThatFailedThere()
    {
        var first = await SubmitAsync(new
        {
            agent = "simulated", action = "run", inputs = new { seconds = 0.5, fail = true }, targets = new { all = true },
        });
        var second = await SubmitAsync(new
        {
            agent = "simulated",
            action = "run",
            inputs = new { seconds = 0 },
            targets = new { ofJob = new { job = first, states = new[] { "failed" } } },
            after = new[] { first },
        });
        var job = await UntilAsync(second, "completed");
        Assert.Equal(Nodes, Count(job, "succeeded"));
        Assert.Equal(Nodes, Count(await ShowAsync(first, Token), "failed"));
        Assert.All(fleet.Nodes, node => Assert.Equal(2, node.Executions.Values.Sum()));
    }

    [Fact]
    public async Task ASchedule_BeginsItsJob_WhenItsSiloWasKilledBefore_AndEachNodeIsAskedOnce()
    {
        using var answer = await Api.PutAsJsonAsync(
            "/v1/job-schedules/each-minute",
            new
            {
                cron = "* * * * *",
                job = new { agent = "simulated", action = "run", inputs = new { seconds = 0 }, targets = new { all = true } },
            },
            Token);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Token));
        await stage.Silo!.KillAsync();
        await stage.StartSiloAsync(Token);

        string? id = null;
        await Readiness.UntilAsync(
            async token => (id = await LastJobAsync(token)) is not null, "a job of the schedule", Token, () => stage.SiloOutput);
        using var pause = await Api.PostAsJsonAsync("/v1/job-schedules/each-minute:pause", new { reason = "seen" }, Token);
        Assert.True(pause.IsSuccessStatusCode, stage.SiloOutput);
        id = await LastJobAsync(Token);
        var job = await UntilAsync(id!, "completed");

        Assert.Equal(Nodes, Count(job, "succeeded"));
        Assert.Equal("local", job.GetProperty("submitter").GetString());
        Assert.StartsWith("each-minute-2", id, StringComparison.Ordinal);
        Assert.All(fleet.Nodes, node => Assert.InRange(node.Executions.Values.Sum(), 1, 2));

        async Task<string?> LastJobAsync(CancellationToken cancellationToken) =>
            (await Api.GetFromJsonAsync<JsonElement>("/v1/job-schedules/each-minute", cancellationToken))
                .GetProperty("lastJob").GetString();
    }

    [Fact]
    public async Task AWebHook_IsAskedAtTheGate_AndToldOfEvents_AlsoWhenTheSiloIsKilled()
    {
        using var refused = await Api.PostAsJsonAsync(
            "/v1/jobs",
            new
            {
                agent = "simulated",
                action = "run",
                targets = new { all = true },
                stages = new object[] { new { name = "one", size = "10%", gate = "webHook" }, new { name = "two", size = "50%" } },
                notify = new { webHooks = new[] { "bord" } },
            },
            Token);
        var faults = (await refused.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("faults").ToString();
        Assert.Contains("stages[0].webHook must name the web hook", faults);
        Assert.Contains("stages[1].size must be 100%", faults);
        Assert.Contains("notify.webHooks: there is no web hook \u0027bord\u0027; Jobs:WebHooks has board", faults);

        hook.Decision = "wait";
        var id = await SubmitAsync(new
        {
            agent = "simulated",
            action = "run",
            inputs = new { seconds = 0 },
            targets = new { all = true },
            stages = new object[] { new { name = "canary", size = "10%", gate = "webHook", webHook = "board" }, new { name = "rest" } },
            notify = new { webHooks = new[] { "board" } },
        });
        await Readiness.UntilAsync(
            async token => (await ShowAsync(id, token)).GetProperty("reason").GetString() == "the web hook board says wait: tested",
            "the gate's answer",
            Token,
            () => stage.SiloOutput);
        await stage.Silo!.KillAsync();
        hook.Decision = "proceed";
        await stage.StartSiloAsync(Token);
        await UntilAsync(id, "completed");
        await Readiness.UntilAsync(
            _ => Task.FromResult(hook.Types.Contains("controlplane.job.ended.v1")), "the job's end", Token, () => stage.SiloOutput);
        Assert.Equal(
            new[] { "submitted", "started", "stage-done", "at-gate", "gate", "stage-started", "ended" }
                .Select(what => $"controlplane.job.{what}.v1").Order(),
            hook.Types.Distinct().Order());
        Assert.All(fleet.Nodes, node => Assert.Equal(1, node.Executions.Values.Sum()));
    }

    [Fact]
    public async Task AReprovisionJob_HasEachNodeEnrolOnceMore_AlsoWhenItsSiloIsKilled()
    {
        var id = await SubmitAsync(new
        {
            agent = "controlplane",
            action = "reprovision",
            reason = "CHG-4711",
            targets = new { all = true },
            stages = new object[] { new { name = "all", size = "100%", concurrency = 8 } },
        });
        JsonElement shown = default;
        await Readiness.UntilAsync(
            async token => Count(shown = await ShowAsync(id, token), "succeeded") >= 8,
            "some of the nodes",
            Token,
            () => $"{shown}\n{stage.SiloOutput}");
        await stage.Silo!.KillAsync();
        await stage.StartSiloAsync(Token);
        var job = await UntilAsync(id, "completed");

        Assert.True(Count(job, "succeeded") == Nodes, $"{job}\n{stage.SiloOutput}");
        Assert.All(fleet.Nodes, node => Assert.Equal(2, node.ConfigureCalls));
        var node = await Api.GetFromJsonAsync<JsonElement>($"/v1/nodes/{fleet.Nodes[0].Identity}", Token);
        Assert.Contains($"job {id} of local: CHG-4711", node.ToString());
    }

    private static IEnumerable<(string?, int)> PlacesOf(JsonElement nodes) => nodes.EnumerateArray()
        .Select(node => (node.GetProperty("identity").GetString(), node.GetProperty("stage").GetInt32()));

    private async Task<string> SubmitAsync(object job)
    {
        using var answer = await Api.PostAsJsonAsync("/v1/jobs", job, Token);
        var content = await answer.Content.ReadAsStringAsync(Token);
        Assert.True(answer.IsSuccessStatusCode, content);
        return JsonDocument.Parse(content).RootElement.GetProperty("id").GetString()!;
    }

    private Task<JsonElement> ShowAsync(string id, CancellationToken cancellationToken) =>
        Api.GetFromJsonAsync<JsonElement>($"/v1/jobs/{id}", cancellationToken);

    private async Task<JsonElement> UntilAsync(string id, string state)
    {
        JsonElement job = default;
        await Readiness.UntilAsync(
            async token => (job = await ShowAsync(id, token)).GetProperty("state").GetString() == state,
            $"the job to be {state}",
            Token,
            () => string.Create(CultureInfo.InvariantCulture, $"{job}\n{stage.SiloOutput}"));
        return job;
    }

    private static int Count(JsonElement of, string state) => of.GetProperty("counts").GetProperty(state).GetInt32();
}
