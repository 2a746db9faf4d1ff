using System.Net;
using System.Net.Http.Json;
using ControlPlane.Access;
using ControlPlane.Commands;
using ControlPlane.Enrolment;

namespace ControlPlane.Cluster.Tests.Silo;

public sealed class EnrolmentApiTests : IAsyncLifetime
{
    private ApiHost api = null!;

    public async ValueTask InitializeAsync() => api = await ApiHost.StartAsync();

    public ValueTask DisposeAsync() => api.DisposeAsync();

    [Fact]
    public async Task Pause_SaysWhoAndWhy_WhereOverlaysAreListed_AndIsAudited()
    {
        var answer = await api.PostAsync($"/v1/overlays/{FakeGrains.Overlay}:pause-enrolment", """{"reason":" the CA is moved "}""");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(new ControlChange("the CA is moved"), api.Grains.LastChange);

        var listed = (await (await api.GetAsync("/v1/overlays")).JsonAsync())[0].GetProperty("enrolment");
        Assert.Equal("the CA is moved", listed.GetProperty("pause").GetProperty("reason").GetString());
        Assert.Contains(
            api.Logs.Of(AuditTrail.Category), line =>
                line.StartsWith("local PauseEnrolment eu-1 200", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TheConsole_ShowsWhatHoldsEnrolmentBack()
    {
        api.Grains.Control =
            api.Grains.Control with { Brake = new EnrolmentStop("the control plane", "60 <of> 100 fell", DateTimeOffset.UnixEpoch) };

        // The page is as old as the last count of the fleet.
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(3));
        while (!(await api.GetTextAsync("/")).Contains("brake on: 60 &lt;of&gt; 100 fell", StringComparison.Ordinal))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
        }
    }

    [Theory]
    [InlineData(10)]
    [InlineData(null)]
    public async Task Limit_IsSetAndTakenAway(int? perMinute)
    {
        var answer = await Put(new { perMinute, reason = "slowly" });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(perMinute, api.Grains.Control.Limit?.PerMinute);
    }

    [Theory]
    [InlineData(0, "slowly")]
    [InlineData(100_001, "slowly")]
    [InlineData(10, "")]
    [InlineData(10, "two\nlines")]
    public async Task Limit_RefusesWhatItCannotMean(int perMinute, string reason) =>
        await (await Put(new { perMinute, reason })).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

    [Theory]
    [InlineData("eu-9:pause-enrolment")]
    [InlineData("eu-9:resume-enrolment")]
    [InlineData("eu-9:release-enrolment-brake")]
    public async Task AnOverlayThatIsNotConfigured_IsUnknown(string path) =>
        await (await api.PostAsync($"/v1/overlays/{path}", """{"reason":"why"}"""))
            .AssertProblemAsync(HttpStatusCode.NotFound, "unknown-overlay");

    [Fact]
    public async Task TheCommandLine_PausesOneOrAll_LimitsAndReleases()
    {
        Assert.Equal((ExitCodes.Done, "eu-1 is paused\n"), await Run("overlay", "pause", "eu-1", "--reason", "a test"));
        Assert.Equal("a test", api.Grains.Control.Pause?.Reason);
        Assert.Contains("paused by local: a test", (await Run("overlay", "list")).Output, StringComparison.Ordinal);

        Assert.Equal((ExitCodes.Done, "eu-1 is not paused\n"), await Run("overlay", "resume", "--all"));
        Assert.Equal((ExitCodes.Done, "eu-1 enrols at most 600 nodes a minute\n"), await Run("overlay", "limit", "eu-1", "600"));
        Assert.Equal((ExitCodes.Done, "eu-1 is not limited\n"), await Run("overlay", "limit", "eu-1", "none"));
        Assert.Equal((ExitCodes.Done, "eu-1 enrols all nodes again\n"), await Run("overlay", "release", "eu-1"));
        Assert.Equal(new EnrolmentControl(FakeGrains.Overlay), api.Grains.Control);
    }

    [Theory]
    [InlineData("overlay", "pause")]
    [InlineData("overlay", "pause", "eu-1", "--all")]
    [InlineData("overlay", "limit", "eu-1", "many")]
    [InlineData("overlay", "limit", "eu-1", "0")]
    public async Task TheCommandLine_SaysWhatIsWrong(params string[] command) =>
        Assert.Equal(ExitCodes.Usage, (await Run(command)).ExitCode);

    private Task<HttpResponseMessage> Put(object body) =>
        api.Http.PutAsJsonAsync($"/v1/overlays/{FakeGrains.Overlay}/enrolment-limit", body, TestContext.Current.CancellationToken);

    private async Task<(int ExitCode, string Output)> Run(params string[] command)
    {
        var output = new StringWriter();
        var exitCode = await CommandLine.RunAsync([.. command, "--url", api.Url.ToString()], output, TextWriter.Null);
        return (exitCode, output.ToString());
    }
}
