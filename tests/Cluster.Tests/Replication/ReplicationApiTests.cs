using System.Net;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Commands;
using ControlPlane.Replication;

namespace ControlPlane.Cluster.Tests.Replication;

public sealed class ReplicationApiTests : IAsyncLifetime
{
    private const string Why = """{"reason":"CHG-4711"}""";

    private ApiHost api = null!;

    public async ValueTask InitializeAsync()
    {
        api = await ApiHost.StartAsync();
        api.Grains.Replication.Add("audit");
    }

    public ValueTask DisposeAsync() => api.DisposeAsync();

    [Fact]
    public async Task Links_AreListed_Shown_PausedAndResumed()
    {
        var listed = (await (await api.GetAsync("/v1/replication")).JsonAsync()).GetProperty("links")[0];
        Assert.Equal("audit", listed.GetProperty("name").GetString());
        Assert.Equal("copying", listed.GetProperty("state").GetString());
        Assert.Equal(0.75, listed.GetProperty("progress").GetProperty("retentionLeft").GetDouble());

        var paused = await (await api.PostAsync("/v1/replication/audit:pause", Why)).JsonAsync();
        Assert.Equal("paused", paused.GetProperty("state").GetString());
        Assert.Equal("CHG-4711", paused.GetProperty("reason").GetString());
        var resumed = await (await api.PostAsync("/v1/replication/audit:resume", Why)).JsonAsync();
        Assert.Equal("starting", resumed.GetProperty("state").GetString());

        await (await api.GetAsync("/v1/replication/none")).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-link");
        await (await api.PostAsync("/v1/replication/none:pause", Why)).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-link");
        await (await api.PostAsync("/v1/replication/audit:pause", """{"reason":" "}"""))
            .AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100_001)]
    public async Task Verify_RefusesANumberOfCopies_ThatItDoesNotCompare(int copiesMax)
    {
        using var answer = await api.PostAsync("/v1/replication/audit:verify", $$"""{"copiesMax":{{copiesMax}}}""");
        await answer.AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Fact]
    public async Task Commands_PrintWhatIsThere_AndVerifyEndsWith1_WhenTheSidesDiffer()
    {
        var (listed, list) = await RunAsync("list");
        Assert.Equal(ExitCodes.Done, listed);
        Assert.Matches("(?m)^audit +copying +2 +1970-01-01T00:00:00Z +75 % +1 +EVENTS at this site", list);
        var (shown, show) = await RunAsync("show", "audit");
        Assert.Equal(ExitCodes.Done, shown);
        Assert.Matches("(?m)^copied through: +41$", show);
        var (paused, pause) = await RunAsync("pause", "audit", "--reason", "why not");
        Assert.Equal(ExitCodes.Done, paused);
        Assert.Matches("(?m)^state: +paused$", pause);

        var (same, _) = await RunAsync("verify", "audit");
        api.Grains.Replication.Verification = new ReplicationVerification(1, 100, 100, 99, 0, [new ReplicationDifference(1, 99, 99, 98)]);
        var (differ, verify) = await RunAsync("verify", "audit", "--copies", "100");
        Assert.Equal((ExitCodes.Done, ExitCodes.Refused), (same, differ));
        Assert.Matches("(?m)^1 +99 +99 +98$", verify);
    }

    private async Task<(int ExitCode, string Output)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await CommandLine.RunAsync(["replication", .. args, "--url", api.Url.ToString()], output, error);
        return (exitCode, output.ToString() + error);
    }
}
