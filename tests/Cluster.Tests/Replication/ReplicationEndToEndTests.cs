using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Cluster.Tests.Enrolment;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Cluster.Tests.Replication;

/// <summary>A site's record of calls is copied to a centre, with nothing but real processes, and one silo after the other ends.</summary>
public sealed class ReplicationEndToEndTests : IAsyncLifetime
{
    private const string Link = "audit";
    private const string Target = "AUDIT_OF_STAGE";

    private EnrolmentStage stage = null!;
    private NatsServer centre = null!;
    private NatsConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        centre = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Token);
        connection = new NatsConnection(new NatsOpts { Url = centre.Url });
        stage = await Stages.StartAsync(
            new EnrolmentStageOptions
            {
                SiloProgram = Stages.SiloProgram,
                Silos = 2,
                MoreConfiguration = $"""
                    Replication:
                      Links:
                        {Link}:
                          SourceStream: controlplane_{EnrolmentStage.Overlay}_audit
                          TargetStream: {Target}
                          Target:
                            Urls: [ "{centre.Url}" ]
                            Tls: false
                    """,
            },
            Token);
        await stage.StartSilosAsync(Token);
    }

    public async ValueTask DisposeAsync()
    {
        await stage.DisposeAsync();
        await connection.DisposeAsync();
        await centre.DisposeAsync();
    }

    [Fact]
    public async Task ALink_RunsOnOneSilo_GoesOnWhenThatEnds_AndStaysPaused()
    {
        await ChangeSomethingAsync(5);
        await UntilAllIsThereAsync();
        var listed = await Api.GetFromJsonAsync<JsonElement>("/v1/replication", Token);
        var link = Assert.Single(listed.GetProperty("links").EnumerateArray());
        Assert.Equal(Link, link.GetProperty("name").GetString());
        Assert.Equal("copying", link.GetProperty("state").GetString());
        Assert.Equal(0, link.GetProperty("progress").GetProperty("gaps").GetInt32());

        var running = await RunningAsync();
        await stage.Silos[running]!.KillAsync();
        await ChangeSomethingAsync(5);
        await UntilAllIsThereAsync();
        Assert.Equal(1 - running, await RunningAsync());

        await UntilDoneAsync("pause", "a test");
        await stage.Silos[1 - running]!.StopAsync();
        await stage.StartSiloAsync(Token, number: running);
        JsonElement? paused = null;
        await Readiness.UntilAsync(
            async token => (paused = await ShowAsync(token))?.GetProperty("state").GetString() == "paused",
            "it is paused",
            Token,
            () => $"{paused}\n{stage.SiloOutput}");
        Assert.Contains("a test", paused!.Value.GetProperty("reason").GetString());
        var before = await CopiesAsync(Token);
        await ChangeSomethingAsync(3);
        Assert.Equal(before, await CopiesAsync(Token));

        await UntilDoneAsync("resume", "seen");
        await UntilAllIsThereAsync();
        Assert.True(await CopiesAsync(Token) > before + 3);
    }

    private Task UntilDoneAsync(string verb, string reason) => Readiness.UntilAsync(
        async token => (await PostAsync($"replication/{Link}:{verb}", new { reason }, token)).Done, verb, Token, () => stage.SiloOutput);

    private HttpClient Api => stage.Silo!.Api;

    // Until the dead silo is known to be dead, a call to what lived there fails, and may be repeated.
    private async Task ChangeSomethingAsync(int times)
    {
        for (var time = 0; time < times; time++)
        {
            await Readiness.UntilAsync(
                async token =>
                    (await PostAsync($"overlays/{EnrolmentStage.Overlay}:resume-enrolment", new { reason = "why not" }, token)).Done,
                "a call that is recorded",
                Token,
                () => stage.SiloOutput);
        }
    }

    // What is compared is the site's own chain of records: all of it, since the link began with the oldest.
    private async Task UntilAllIsThereAsync()
    {
        var last = "";
        await Readiness.UntilAsync(
            async token =>
            {
                (var isThere, last) = await PostAsync($"replication/{Link}:verify", new { copiesMax = 1000 }, token);
                if (!isThere)
                {
                    return false;
                }

                var match = JsonDocument.Parse(last).RootElement;
                var link = await ShowAsync(token);
                return match.GetProperty("copies").GetInt64() >= 5
                    && match.GetProperty("differences").GetArrayLength() == 0
                    && match.GetProperty("copies").GetInt64() == await CopiesAsync(token)
                    && link?.GetProperty("progress") is { ValueKind: JsonValueKind.Object } progress
                    && progress.GetProperty("pending").GetInt64() == 0;
            },
            "all records of calls at the centre",
            Token,
            () => $"{last}\n{stage.SiloOutput}");
    }

    private async Task<(bool Done, string Answer)> PostAsync(string path, object body, CancellationToken cancellationToken)
    {
        using var answer = await Api.PostAsJsonAsync($"/v1/{path}", body, cancellationToken);
        return (answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(cancellationToken));
    }

    private async Task<JsonElement?> ShowAsync(CancellationToken cancellationToken)
    {
        using var answer = await Api.GetAsync($"/v1/replication/{Link}", cancellationToken);
        return answer.IsSuccessStatusCode ? await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken) : null;
    }

    private async Task<long> CopiesAsync(CancellationToken cancellationToken) =>
        (await new NatsJSContext(connection).GetStreamAsync(Target, cancellationToken: cancellationToken)).Info.State.Messages;

    private async Task<int> RunningAsync()
    {
        for (var number = 0; number < stage.Silos.Count; number++)
        {
            if (stage.Silos[number] is { IsRunning: true } silo
                && (await silo.Health.GetStringAsync("/metrics", Token)).Contains("controlplane_replication_state{"))
            {
                return number;
            }
        }

        throw new InvalidOperationException($"no silo runs the link\n{stage.SiloOutput}");
    }
}
