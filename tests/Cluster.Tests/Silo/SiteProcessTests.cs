using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.Cluster.Tests.Enrolment;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>Two overlays as sites of their own; the first alone has a provisioning network. It is lost with all its processes.</summary>
public sealed class SiteProcessTests
{
    private const int First = 0;
    private const int Second = 1;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ASite_IsReady_WithoutAReception_AndWithoutTheOther_WhichComesBackWithItsData()
    {
        await using var stage = await Stages.StartAsync(
            new EnrolmentStageOptions { SiloProgram = Stages.SiloProgram, Overlays = 2, OwnClusters = true, Receptions = [First] }, Token);
        await Task.WhenAll(stage.StartSiloAsync(Token), stage.StartSiloAsync(Token, number: Second));
        Assert.Equal("2 networks answer", await NatsOfAsync(stage.Silos[First]!));
        Assert.Equal("1 network answers", await NatsOfAsync(stage.Silos[Second]!));
        using var cordoned = await stage.Silos[First]!.Api.PostAsJsonAsync(
            "/v1/overlays/overlay-1:set-state", new { state = "cordoned", reason = "for the test" }, Token);
        Assert.True(cordoned.IsSuccessStatusCode, await cordoned.Content.ReadAsStringAsync(Token));

        await stage.KillSiteAsync(First);

        await stage.Silos[Second]!.KillAsync();
        await stage.StartSiloAsync(Token, number: Second);
        await Readiness.UntilAsync(
            async _ => (await NatsOfAsync(stage.Silos[Second]!)).Contains("overlay-1: not connected", StringComparison.Ordinal),
            "the ready silo says that the other site is away",
            Token,
            () => stage.SiloOutput);

        await stage.StartSiteAsync(First, Token);

        var overlays = await stage.Silos[First]!.Api.GetFromJsonAsync<JsonElement>("/v1/overlays", Token);
        Assert.Contains(overlays.EnumerateArray(), one => one.GetProperty("name").GetString() == EnrolmentStage.Overlay
            && one.GetProperty("state").GetString() == "cordoned");
    }

    /// <summary>What a silo that is ready says of its networks.</summary>
    private static async Task<string> NatsOfAsync(SiloProcess silo)
    {
        var health = await silo.Health.GetFromJsonAsync<JsonElement>("/readyz", Token);
        return health.GetProperty("checks").EnumerateArray().Single(check => check.GetProperty("name").GetString() == "nats")
            .GetProperty("reason").GetString()!;
    }
}
