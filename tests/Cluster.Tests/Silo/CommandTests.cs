using ControlPlane.Commands;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Silo;

public sealed class CommandTests : IAsyncLifetime
{
    private ApiHost _api = null!;

    public async ValueTask InitializeAsync() => _api = await ApiHost.StartAsync();

    public ValueTask DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task NodeList_PrintsATable_WithoutWhatATerminalObeys()
    {
        _api.Grains.Add("b.example.net", NodeStage.Quarantined, "bad\u001b[31m token");
        _api.Grains.Add("a.example.net");

        var (exitCode, output, _) = await RunAsync("node", "list");

        Assert.Equal(ExitCodes.Done, exitCode);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("IDENTITY       STAGE        OVERLAY", lines[0]);
        Assert.StartsWith("a.example.net  enrolled     eu-1", lines[1]);
        Assert.EndsWith("bad [31m token", lines[2]);
    }

    [Fact]
    public async Task NodeList_FollowsTheCursors_AndStopsAtTheLimit()
    {
        Enumerable.Range(0, 2500).ToList().ForEach(index => _api.Grains.Add($"n{index}"));

        var (_, output, _) = await RunAsync("node", "list", "--limit", "2100");

        Assert.Equal(2101, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task NodeList_PrintsJson_ForPrograms()
    {
        _api.Grains.Add("a.example.net");

        var (_, output, _) = await RunAsync("node", "list", "-o", "json");

        Assert.Equal("a.example.net", System.Text.Json.JsonDocument.Parse(output).RootElement[0].GetProperty("identity").GetString());
    }

    [Fact]
    public async Task NodeShow_PrintsTheHistory()
    {
        _api.Grains.Add("a.example.net");

        var (exitCode, output, _) = await RunAsync("node", "show", "a.example.net");

        Assert.Equal(ExitCodes.Done, exitCode);
        Assert.Contains("stage:              enrolled", output);
        Assert.Contains("#1 Discovered", output);
    }

    [Fact]
    public async Task NodeConfig_ShowsWhatANodeHas_AndWithDryRunWhatWouldChange()
    {
        _api.Grains.Configurations["a.example.net"] = new NodeConfigurationView(
            "a.example.net",
            "eu-1",
            [
                new ConfigurationLine("loglevel", "debug", "10.yaml: acme", "info"),
                new ConfigurationLine("old", null, null, "1"),
                new ConfigurationLine("plugin.nats.pass", "(secret)", "10.yaml: acme", "(secret)"),
            ],
            [new ConfigurationLine("rpcutil.policy", "policy default deny", "10.yaml: acme", null)],
            ["its facts are not known"],
            IsSentKnown: true);

        var (_, has, _) = await RunAsync("node", "config", "a.example.net");
        var (exitCode, would, _) = await RunAsync("node", "config", "a.example.net", "--dry-run");
        var (_, json, _) = await RunAsync("node", "config", "a.example.net", "--dry-run", "-o", "json");

        Assert.Equal(ExitCodes.Done, exitCode);
        Assert.Contains("loglevel          info", has, StringComparison.Ordinal);
        Assert.Contains("~  loglevel          debug     10.yaml: acme  info", would, StringComparison.Ordinal);
        Assert.Contains("-  old", would, StringComparison.Ordinal);
        Assert.Contains("policy rpcutil.policy from 10.yaml: acme", would, StringComparison.Ordinal);
        Assert.Contains("note: its facts are not known", would, StringComparison.Ordinal);
        Assert.Equal(
            "10.yaml: acme",
            System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("settings")[0].GetProperty("origin").GetString());
        Assert.Equal(ExitCodes.Refused, (await RunAsync("node", "config", "b.example.net")).ExitCode);
    }

    [Fact]
    public async Task NodeReprovision_SendsTheReason()
    {
        var (exitCode, _, _) = await RunAsync("node", "reprovision", "a.example.net", "--reason", "new disk");

        Assert.Equal(ExitCodes.Done, exitCode);
        Assert.Equal("new disk", _api.Grains.LastReprovision?.Reason);
    }

    [Fact]
    public async Task NodeDecommission_SendsTheReason_AndExitsWith1_WhenTheNodeIsUnknown()
    {
        _api.Grains.Add("a.example.net");

        var (exitCode, output, _) = await RunAsync("node", "decommission", "a.example.net", "--reason", "sold");
        Assert.Equal(ExitCodes.Done, exitCode);
        Assert.Contains("it shuts down", output, StringComparison.Ordinal);
        Assert.Contains("its server token is valid", output, StringComparison.Ordinal);
        Assert.Equal("sold", _api.Grains.LastDecommission?.Reason);
        Assert.Equal(ExitCodes.Refused, (await RunAsync("node", "decommission", "b.example.net", "--reason", "sold")).ExitCode);
    }

    [Fact]
    public async Task OverlayList_PrintsTheLimits() => Assert.Contains("20000", (await RunAsync("overlay", "list")).Output);

    [Fact]
    public async Task ACommand_ExitsWith1_WhenItIsRefused()
    {
        var (exitCode, _, error) = await RunAsync("node", "show", "unknown.example.net");

        Assert.Equal(ExitCodes.Refused, exitCode);
        Assert.Equal("refused: The node is not known: nothing is known of a node 'unknown.example.net'", error.Trim());
    }

    [Theory]
    [InlineData("node", "lst")]
    [InlineData("node", "show")]
    [InlineData("node", "reprovision", "a")]
    [InlineData("node", "list", "--state", "asleep")]
    [InlineData("node", "list", "-o", "xml")]
    [InlineData("node", "list", "--token-file", "/no/such/file")]
    public async Task ACommand_ExitsWith2_WhenItIsMalformed(params string[] args) =>
        Assert.Equal(ExitCodes.Usage, (await RunAsync(args)).ExitCode);

    [Fact]
    public async Task ACommand_ExitsWith3_WhenNobodyAnswers()
    {
        var url = $"http://127.0.0.1:{TestKit.LoopbackPort.Free()}";

        var (exitCode, _, error) = await RunPlainAsync("node", "list", "--url", url);

        Assert.Equal(ExitCodes.Unreachable, exitCode);
        Assert.StartsWith($"no answer from {url}", error);
    }

    [Fact]
    public async Task ATokenFile_MayBeTheControlPlanesOwn()
    {
        var path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, "alice alice-0123456789abcdefghij\n", TestContext.Current.CancellationToken);
        await using var guarded = await ApiHost.StartAsync(("Access:Tokens:Files:0", path));

        var (denied, _, _) = await RunPlainAsync("overlay", "list", "--url", guarded.Url.ToString());
        var (allowed, _, _) = await RunPlainAsync("overlay", "list", "--url", guarded.Url.ToString(), "--token-file", path);

        File.Delete(path);
        Assert.Equal((ExitCodes.Refused, ExitCodes.Done), (denied, allowed));
    }

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] args) =>
        RunPlainAsync([.. args, "--url", _api.Url.ToString()]);

    private static async Task<(int ExitCode, string Output, string Error)> RunPlainAsync(params string[] args)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var exitCode = await CommandLine.RunAsync(args, output, error);
        return (exitCode, output.ToString(), error.ToString());
    }
}
