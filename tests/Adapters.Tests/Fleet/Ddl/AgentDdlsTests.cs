using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Ddl;
using ControlPlane.Adapters.Tests.Fleet.Rpc;
using ControlPlane.Jobs;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.Fleet.Ddl;

public sealed class AgentDdlsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-ddls-");
    private readonly FakeTimeProvider time = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("rpcutil", "ping", "get_fact", "inventory")]
    [InlineData("choria_util", "info", "machine_states", "machine_transition")]
    [InlineData("scout", "checks", "trigger", "goss_validate")]
    [InlineData("executor", "status", "signal", "list")]
    [InlineData("controlplane", "reprovision")]
    public async Task FindAsync_KnowsChoriasOwnAgents(string agent, params string[] actions)
    {
        var ddl = await Ddls(null).FindAsync(agent, Cancelled);

        Assert.Equal(agent, ddl!.Name);
        Assert.All(actions, action => Assert.True(ddl.Actions.ContainsKey(action), action));
    }

    [Fact]
    public async Task FindAsync_TakesTheFoldersFirst_AndReadsItAgain_WhenItChanges()
    {
        Write("rpcutil", "7.0.0");
        var ddls = Ddls(folder.FullName);
        Assert.Equal("7.0.0", (await ddls.FindAsync("rpcutil", Cancelled))!.Version);
        Assert.Null(await ddls.FindAsync("package", Cancelled));

        Write("package", "1.0.0");
        Write("rpcutil", "7.0.10");
        time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal("1.0.0", (await ddls.FindAsync("package", Cancelled))!.Version);
        Assert.Equal("7.0.10", (await ddls.FindAsync("rpcutil", Cancelled))!.Version);
    }

    [Fact]
    public async Task ABadFile_IsNamed_AndTheOthersAreUsed()
    {
        Write("package", "1.0.0");
        WriteText("service", """{"metadata":{"name":"service","timeout":"long"},"actions":{}}""");
        WriteText("other", Json("puppet", "1.0.0"));

        var ddls = Ddls(folder.FullName);

        Assert.NotNull(await ddls.FindAsync("package", Cancelled));
        Assert.Null(await ddls.FindAsync("service", Cancelled));
        Assert.Equal(3, ddls.Faults.Count);
        Assert.Contains(ddls.Faults, fault => fault.Contains("service.json: metadata.timeout", StringComparison.Ordinal));
        Assert.Contains(ddls.Faults, fault => fault.Contains("service.json: actions must be a list", StringComparison.Ordinal));
        Assert.Contains(ddls.Faults, fault => fault.Contains("other.json: metadata.name is 'puppet'", StringComparison.Ordinal));
    }

    [Fact]
    public void Faults_NameAFolderThatIsNotThere() =>
        Assert.Contains("cannot be read", Assert.Single(Ddls(folder.FullName + "-not").Faults), StringComparison.Ordinal);

    [Fact]
    public async Task FindAsync_AsksTheRegistry_ForWhatNobodyElseHas_AndRemembersIt()
    {
        await using var stage = await RpcStage.StartAsync(Cancelled);
        using var key = Ed25519Key.FromSeedHex(new string('5', 64));
        await using var registry = await ScriptedNode.ListenAsync(
            stage.Broker.Url, ChoriaSubjects.ServiceAgent("choria", "choria_registry"), request =>
            {
                Assert.True(RpcRequest.TryDecode(request.Request.Body, out var call, out _));
                using var inputs = JsonDocument.Parse(call.Data);
                var name = inputs.RootElement.GetProperty("name").GetString()!;
                var reply = name == "package"
                    ? RpcReply.Ok("ddl", JsonSerializer.SerializeToUtf8Bytes(new { ddl = Json(name, "3.0.0"), name }))
                    : RpcReply.Failed("ddl", RpcStatus.Aborted, "Unknown plugin");
                return [new ScriptedReply("registry1", reply.Encode()) { Signer = stage.SignerOf("registry1", key) }];
            });
        var ddls = Ddls(null, useRegistry: true, stage.Rpc);

        Assert.Equal("3.0.0", (await ddls.FindAsync("package", Cancelled))!.Version);
        Assert.NotNull(await ddls.FindAsync("package", Cancelled));
        Assert.Null(await ddls.FindAsync("nothing", Cancelled));
        Assert.Null(await ddls.FindAsync("nothing", Cancelled));
        Assert.Equal(2, registry.Requests);
    }

    private static string Json(string agent, string version) => $$$"""
        {
          "metadata": {"name": "{{{agent}}}", "description": "x", "version": "{{{version}}}", "timeout": 10},
          "actions": [{"action": "run", "input": {}, "output": {}}]
        }
        """;

    private void Write(string agent, string version) => WriteText(agent, Json(agent, version));

    private void WriteText(string agent, string text) => File.WriteAllText(Path.Combine(folder.FullName, $"{agent}.json"), text);

    private AgentDdls Ddls(string? path, bool useRegistry = false, INodeRpc? rpc = null) => new(
        Microsoft.Extensions.Options.Options.Create(new DdlOptions { Folder = path, UseRegistry = useRegistry }),
        Microsoft.Extensions.Options.Options.Create(new OverlaysOptions { Region = "eu", Local = FleetParts.Overlay }),
        rpc!,
        time,
        NullLogger<AgentDdls>.Instance);
}
