using System.Text.Json;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Commands;
using ControlPlane.Hosting;
using ControlPlane.Placement;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Cluster.Tests.Placement;

/// <summary>The commands of placement, through the HTTP API, on the real grain.</summary>
public sealed class PlacementCommandTests(PlacementCluster cluster) : IClassFixture<PlacementCluster>, IAsyncLifetime
{
    private const string Policy = """
        apiVersion: placement.controlplane/v1
        kind: PlacementPolicy
        metadata: { name: commands }
        spec:
          attributes: { customer: { from: jwt.ext.customer } }
          groups: [ { name: customer, key: [customer] } ]
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-commands-").FullName;
    private ApiHost api = null!;
    private string region = "";

    public async ValueTask InitializeAsync()
    {
        region = cluster.NewRegion();
        api = await ApiHost.StartAsync(services =>
        {
            services.AddSingleton(cluster.Client);
            services.AddSingleton(new Locality(region, "a"));
        });
    }

    public async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Policy_IsCheckedAppliedShownAndCompared()
    {
        var (bad, good) = (
            Write("bad.yaml", Policy.Replace("[customer]", "[costumer]", StringComparison.Ordinal)), Write("good.yaml", Policy));

        var (refused, output, error) = await RunAsync("policy", "check", bad);
        Assert.Equal(ExitCodes.Refused, refused);
        Assert.Contains(
            $"{bad}:6:37: unknown attribute 'costumer'", output.Replace(":  ", ": ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("1 errors", error, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Done, (await RunAsync("policy", "apply", good)).ExitCode);
        Assert.Contains("commands@1", (await RunAsync("policy", "show")).Output, StringComparison.Ordinal);
        Assert.Equal(1, (await JsonAsync("policy", "history"))[0].GetProperty("version").GetInt32());
        Assert.Equal(
            ["-6: groups: [ { name: customer, key: [customer] } ]", "+6: groups: [ { name: customer, key: [costumer] } ]"],
            (await JsonAsync("policy", "diff", bad)).EnumerateArray().Select(line =>
                $"{line.GetProperty("sign")}{line.GetProperty("line")}: {line.GetProperty("text").GetString()!.Trim()}"));
        Assert.Equal(0, (await JsonAsync("policy", "diff", good)).GetArrayLength());
        Assert.Equal(ExitCodes.Usage, (await RunAsync("policy", "check", Path.Combine(folder, "missing.yaml"))).ExitCode);
    }

    [Fact]
    public async Task Simulate_TakesCsvAndJsonLines()
    {
        await RunAsync("policy", "apply", Write("policy.yaml", Policy));
        var csv = Write(
            "nodes.csv", "identity,jwt.ext.customer\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"n{i},\"c,{i % 3}\"\n")));
        var lines = Write(
            "nodes.jsonl", string.Concat(
                Enumerable.Range(0, 60).Select(i => $"{{\"identity\":\"n{i}\",\"claims\":{{\"ext\":{{\"customer\":\"c{i % 3}\"}}}}}}\n")));

        foreach (var file in new[] { csv, lines })
        {
            var (_, output, _) = await RunAsync("placement", "simulate", file);
            Assert.Contains("60 placed, 0 without a place, balance 1.000", output, StringComparison.Ordinal);
            var json = await JsonAsync("placement", "simulate", file);
            var customers = json.GetProperty("nodes").EnumerateArray()
                .Select((node, i) => (Overlay: node.GetProperty("overlay").GetString(), Customer: i % 3))
                .GroupBy(node => node.Customer);
            Assert.All(customers, customer => Assert.Single(customer.Select(node => node.Overlay).Distinct()));
        }

        Assert.Equal(ExitCodes.Usage, (await RunAsync("placement", "simulate", Write("broken.csv", "name\nx\n"))).ExitCode);
        var (open, _, error) = await RunAsync("placement", "simulate", Write("open.csv", "identity\nn1\n\"n2\n"));
        Assert.Equal(ExitCodes.Usage, open);
        Assert.Contains("this is not CSV", error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (await RunAsync("placement", "simulate", Write("broken.jsonl", "{\n"))).ExitCode);
    }

    [Fact]
    public async Task OverlaysAndPlans_AreListedMadeAndTold()
    {
        await RunAsync("policy", "apply", Write("policy.yaml", Policy));
        await cluster.In(region).EnrolAsync(new PlacementRequest("n1", """{"extensions":{"customer":"acme"}}""", "{}"));
        await cluster.In(region).UntilCountAsync(1, 0);
        var explained = await JsonAsync("placement", "explain", "n1");
        Assert.Equal("""{"customer":"acme"}""", explained.GetProperty("attributes").GetString());
        var home = explained.GetProperty("overlay").GetString()!;

        Assert.Equal(ExitCodes.Done, (await RunAsync("overlay", "cordon", home, "--reason", "disk")).ExitCode);
        Assert.Contains("cordoned", (await RunAsync("overlay", "list")).Output, StringComparison.Ordinal);
        Assert.Equal("cordoned", (await JsonAsync("overlay", "cordon", home)).GetProperty("state").GetString());
        Assert.Equal(ExitCodes.Refused, (await RunAsync("overlay", "cordon", "nowhere")).ExitCode);

        var made = await JsonAsync("plan", "create", "drain", home, "--reason", "CHG-7");
        var id = made.GetProperty("plan").GetProperty("id").GetString()!;
        Assert.Equal("draft", made.GetProperty("progress").GetProperty("stage").GetString());
        Assert.Equal("CHG-7", made.GetProperty("plan").GetProperty("reason").GetString());
        Assert.Contains("n1", (await JsonAsync("plan", "show", id, "--moves")).ToString(), StringComparison.Ordinal);
        Assert.Contains("GROUP", (await RunAsync("plan", "show", id, "--moves")).Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (await RunAsync("plan", "pause", id)).ExitCode);
        Assert.Equal(ExitCodes.Usage, (await RunAsync("plan", "create", "drain", home, "--approve")).ExitCode);
        Assert.Equal(ExitCodes.Usage, (await RunAsync("overlay", "drain", home, "--approve")).ExitCode);
        Assert.Equal(ExitCodes.Refused, (await RunAsync("plan", "pause", id, "--reason", "too early")).ExitCode);
        Assert.Equal(ExitCodes.Refused, (await RunAsync("plan", "abort", id, "--reason", " ")).ExitCode);
        var aborted = await JsonAsync("plan", "abort", id, "--reason", "not today");
        Assert.Equal("aborted", aborted.GetProperty("stage").GetString());
        Assert.EndsWith(": not today", aborted.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(id, (await JsonAsync("plan", "list"))[0].GetProperty("id").GetString());
        Assert.Equal(ExitCodes.Refused, (await RunAsync("overlay", "retire", "nowhere")).ExitCode);
    }

    [Fact]
    public async Task Home_IsShown_AndPromotedOnceOnly()
    {
        Assert.Equal(("a", 0), Leader(await JsonAsync("placement", "leader")));
        Assert.Equal(("a", 0), Leader(await JsonAsync("placement", "promote", "--reason", "it is here already")));
        Assert.Equal(ExitCodes.Usage, (await RunAsync("placement", "promote")).ExitCode);
    }

    private static (string?, int) Leader(JsonElement leader) =>
        (leader.GetProperty("leader").GetString(), leader.GetProperty("epoch").GetInt32());

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private async Task<JsonElement> JsonAsync(params string[] args)
    {
        var (exitCode, output, error) = await RunAsync([.. args, "-o", "json"]);
        Assert.Equal((ExitCodes.Done, ""), (exitCode, error));
        using var document = JsonDocument.Parse(output);
        return document.RootElement.Clone();
    }

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await CommandLine.RunAsync([.. args, "--url", api.Url.ToString()], output, error);
        return (exitCode, output.ToString(), error.ToString());
    }
}
