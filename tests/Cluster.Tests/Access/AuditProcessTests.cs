using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Enrolment;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Access;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>A silo as its own process, on a real broker and Redis, is killed between the record of a call and its effect.</summary>
public sealed class AuditProcessTests : IAsyncLifetime
{
    private const string Overlay = EnrolmentStage.Overlay;

    private readonly string journal = Directory.CreateTempSubdirectory("controlplane-audit-").FullName;
    private EnrolmentStage stage = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private HttpClient Api => stage.Silo!.Api;

    public async ValueTask InitializeAsync()
    {
        stage = await Stages.StartAsync(
            new EnrolmentStageOptions
            {
                SiloProgram = Stages.SiloProgram,
                MoreConfiguration = $"""
                    Access:
                      Audit:
                        Folder: {journal}/records
                        BreakGlassFile: {journal}/break-glass
                    """,
            },
            Cancel);
        await stage.StartSiloAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await stage.DisposeAsync();
        Directory.Delete(journal, recursive: true);
    }

    [Fact]
    public async Task ACallHasItsRecord_WhenTheSiloIsKilledBetweenRecordAndEffect()
    {
        await PauseAsync("before");

        // The record can be written, the effect cannot: what grains store waits for Redis, which dies with what it was sent.
        stage.Redis.Pause();
        var call = TryPauseAsync("killed");
        await UntilRecordedAsync("killed");
        await stage.Silo!.KillAsync();
        await stage.Redis.KillAsync();
        await Task.WhenAny(call);
        await stage.Redis.RestartAsync(Cancel);

        await stage.StartSiloAsync(Cancel);
        Assert.Equal("before", await PauseReasonAsync());
        Assert.Single(await RecordsAsync(), record => record.Kind == AuditKind.Call && record.Reason == "killed");
        await AssertWholeAsync();
    }

    [Fact]
    public async Task NoEffectIsWithoutItsRecord_WhereverTheSiloIsKilled()
    {
        var answered = new ConcurrentQueue<string>();
        for (var round = 0; round < 3; round++)
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            var calls = CallAsync($"round {round}", answered, ending.Token);
            var before = answered.Count;
            await Readiness.UntilAsync(_ => Task.FromResult(answered.Count > before + 20), "calls that are answered", Cancel);
            await stage.Silo!.KillAsync();
            await ending.CancelAsync();
            await calls;

            await stage.StartSiloAsync(Cancel);
            var records = await RecordsAsync();
            var effect = await PauseReasonAsync();
            Assert.Contains(records, record => record.Kind == AuditKind.Call && record.Reason == effect);
            Assert.Subset(records.Select(record => record.Reason).ToHashSet(), answered.ToHashSet<string?>());
        }

        await AssertWholeAsync();
    }

    [Fact]
    public async Task WithoutItsBroker_NoCallIsMade_UntilTheGlassIsBroken_AndWhatWasDoneThenIsRecordedLater()
    {
        await PauseAsync("before");
        var broker = stage.Brokers.Overlay;
        broker.Pause();
        using var refused = await TryPauseAsync("refused");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal("before", await PauseReasonAsync());
        Assert.Contains("calls are refused because they cannot be recorded", await ReadinessAsync());

        await File.WriteAllTextAsync(Path.Combine(journal, "break-glass"), "", Cancel);
        using var broken = await TryPauseAsync("fire");
        Assert.Equal(HttpStatusCode.OK, broken.StatusCode);
        Assert.Contains("break-glass: only this machine records calls", await ReadinessAsync());

        // The silo dies before the broker is back, and the switch is taken away.
        await stage.Silo!.KillAsync();
        File.Delete(Path.Combine(journal, "break-glass"));
        broker.Continue();
        await stage.StartSiloAsync(Cancel);
        await UntilRecordedAsync("fire");

        var records = await RecordsAsync();
        Assert.True(Assert.Single(records, record => record.Kind == AuditKind.Call && record.Reason == "fire").BreakGlass);
        await AssertWholeAsync();
    }

    private async Task CallAsync(string name, ConcurrentQueue<string> answered, CancellationToken ending)
    {
        // Of the silo that is killed: between that and its successor there is none.
        var api = Api;
        try
        {
            for (var number = 0; !ending.IsCancellationRequested; number++)
            {
                using var answer = await TryPauseAsync(api, $"{name} {number}");
                if (answer.IsSuccessStatusCode)
                {
                    answered.Enqueue($"{name} {number}");
                }
            }
        }
        catch (HttpRequestException)
        {
            // Killed.
        }
    }

    private async Task PauseAsync(string reason)
    {
        using var answer = await TryPauseAsync(reason);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }

    private Task<HttpResponseMessage> TryPauseAsync(string reason) => TryPauseAsync(Api, reason);

    private static Task<HttpResponseMessage> TryPauseAsync(HttpClient api, string reason) =>
        api.PostAsJsonAsync($"/v1/overlays/{Overlay}:pause-enrolment", new { reason }, Cancel);

    private async Task<string> ReadinessAsync()
    {
        using var answer = await stage.Silo!.Health.GetAsync("/readyz", Cancel);
        return await answer.Content.ReadAsStringAsync(Cancel);
    }

    private async Task<string?> PauseReasonAsync() =>
        (await Api.GetFromJsonAsync<JsonElement>("/v1/overlays", Cancel)).EnumerateArray().First()
            .GetProperty("enrolment").GetProperty("pause").GetProperty("reason").GetString();

    private async Task UntilRecordedAsync(string reason) => await Readiness.UntilAsync(
        async _ => (await RecordsAsync()).Any(record => record.Reason == reason),
        $"the record of '{reason}'",
        Cancel,
        () => stage.SiloOutput);

    private async Task<IReadOnlyList<AuditRecord>> RecordsAsync() => (await LinesAsync()).Records();

    private async Task AssertWholeAsync() => Assert.Empty((await LinesAsync()).Verify().Faults);

    private async Task<IReadOnlyList<AuditLine>> LinesAsync() =>
        [.. (await Api.GetStringAsync("/v1/audit:export", Cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<AuditLine>(line, AuditEndpoints.Lines)!)];
}
