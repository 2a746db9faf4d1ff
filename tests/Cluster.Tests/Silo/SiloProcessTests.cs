using System.Diagnostics;
using ControlPlane.Cluster.Tests.Enrolment;
using ControlPlane.Commands;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>The executable as it is run in production, against real brokers and Redis.</summary>
public sealed class SiloProcessTests
{
    private const int Terminate = 15;
    private const string Installation = "the .NET SDK that global.json names";

    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task TheSilo_SaysWhatItIsReadyFor_AndStopsInOrder_WhenItIsTold()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var folder = Directory.CreateTempSubdirectory("controlplane-silo-").FullName;
        var port = LoopbackPort.Free();
        await using var stage = await Stages.StartAsync(
            new EnrolmentStageOptions { SiloProgram = Stages.SiloProgram, Folder = folder, ApiPort = port }, cancellationToken);
        await using var silo = Start("silo", "--config", Path.Combine(folder, "controlplane.yaml"));
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        using var health = new HttpClient { BaseAddress = stage.HealthUrl };

        var readiness = "";
        await Readiness.UntilAsync(
            async _ =>
            {
                readiness = await TextOrEmptyAsync(health, "/readyz");
                return readiness.StartsWith("{\"ready\":true", StringComparison.Ordinal);
            },
            "the silo is ready",
            cancellationToken,
            () => readiness + silo.Output,
            TimeSpan.FromMinutes(2));

        foreach (var check in new[] { "orleans", "redis", "nats", "streams", "enrolment", "issuers" })
        {
            Assert.Contains($"\"name\":\"{check}\",\"ready\":true", readiness);
        }

        var metrics = await TextOrEmptyAsync(health, "/metrics");
        Assert.Contains("controlplane_", metrics);
        Assert.Contains("orleans_", metrics);
        Assert.Contains("dotnet_gc_", metrics);
        Assert.Contains(EnrolmentStage.Overlay, await TextOrEmptyAsync(http, "/v1/overlays"));
        Assert.Contains("<!doctype html>", await TextOrEmptyAsync(http, "/"));

        silo.Signal(Terminate);
        await silo.WaitForExitAsync(cancellationToken).WaitAsync(StopDeadline, cancellationToken);

        Assert.Equal(ExitCodes.Done, silo.ExitCode);
        Assert.DoesNotContain(File.ReadAllText(stage.Secrets.SharedSecretFile), silo.Output);
        Assert.DoesNotContain(File.ReadAllText(stage.Secrets.ProvisionerPasswordFile), silo.Output);
    }

    [Fact]
    public async Task TheSilo_EndsWith69_AndOneSentence_WhenRedisIsAway()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var folder = Directory.CreateTempSubdirectory("controlplane-silo-").FullName;
        await using var stage = await Stages.StartAsync(
            new EnrolmentStageOptions { SiloProgram = Stages.SiloProgram, Folder = folder }, cancellationToken);
        await stage.Redis.StopAsync();

        await using var silo = Start("silo", "--config", Path.Combine(folder, "controlplane.yaml"));
        await silo.WaitForExitAsync(cancellationToken).WaitAsync(TimeSpan.FromMinutes(2), cancellationToken);

        Assert.True(silo.ExitCode == ExitCodes.StartFailed, silo.Output);
        Assert.Contains($"controlplane: Redis does not answer at 127.0.0.1:{stage.Redis.Port}", silo.Output);
    }

    private static ChildProcess Start(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet");
        foreach (var argument in args.Prepend(Stages.SiloProgram))
        {
            start.ArgumentList.Add(argument);
        }

        return ChildProcess.Start(start, Installation);
    }

    private static async Task<string> TextOrEmptyAsync(HttpClient http, string path)
    {
        try
        {
            using var response = await http.GetAsync(path, TestContext.Current.CancellationToken);
            return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        }
        catch (HttpRequestException)
        {
            return "";
        }
    }
}
