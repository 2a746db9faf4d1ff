using System.Text.Json.Nodes;
using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Adapters.Opa;
using ControlPlane.TestKit;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Opa;

/// <summary>Against a fake of Open Policy Agent's data API, which says that it is one.</summary>
public sealed class OpaAuthorityTests : IDisposable
{
    private const string Path = "controlplane/allow";

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_777_777_777);

    private static readonly AccessQuestion Question = new(
        new Caller
        {
            Principal = "alice",
            Method = CallerMethod.ChoriaToken,
            Groups = ["ops"],
            Claims = new Dictionary<string, IReadOnlyList<string>>
            {
                ["callerid"] = ["up=alice"], ["agents"] = ["puppet.*", "rpcutil.ping"],
            },
        },
        new AccessRequest(Permissions.RequestsSign)
        {
            Collective = "mcollective",
            Agent = "puppet",
            Action = "status",
            Choria = new ChoriaRequestFacts("dev1.example.net", """{"force":true}""", TimeSpan.FromSeconds(60), Now.AddSeconds(-5)),
            Targets = 3,
        },
        "eu-1",
        "eu-1",
        Now);

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-opa-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task AskAsync_GivesTheInputOfChoriasAaaService_AndOurOwn()
    {
        await using var opa = await FakeOpa.StartAsync(Path, _ => true);
        using var authority = Authority(opa.Url);

        Assert.Equal(new AccessVerdict(true, null), await authority.AskAsync(Question, Cancel));

        Assert.Equal(
            """
            {"agent":"puppet","action":"status","collective":"mcollective","data":{"force":true},"sender":"dev1.example.net","ttl":60,
            "time":1777777772,"site":"eu-1","claims":{"callerid":"up=alice","agents":["puppet.*","rpcutil.ping"]},
            "permission":"requests.sign","principal":"alice","method":"choriaToken","groups":["ops"],"roles":[],"overlay":"eu-1","targets":3,
            "operation":"","parameters":{}}
            """.Replace("\n", "", StringComparison.Ordinal),
            opa.Input!.Value.GetRawText());
    }

    [Fact]
    public async Task AskAsync_AsksByWhatTheRuleLooksAt()
    {
        await using var opa = await FakeOpa.StartAsync(Path, input => input.GetProperty("agent").GetString() == "puppet");
        using var authority = Authority(opa.Url);

        Assert.True((await authority.AskAsync(Question, Cancel)).IsAllowed);
        Assert.False((await authority.AskAsync(Question with { Request = Question.Request with { Agent = "shell" } }, Cancel)).IsAllowed);
    }

    [Theory]
    [InlineData("true", true, null)]
    [InlineData("false", false, null)]
    [InlineData("""{"allow":true,"reason":"CHG-1"}""", true, "CHG-1")]
    [InlineData("""{"allow":false,"reason":"frozen"}""", false, "frozen")]
    [InlineData("""{"allow":false}""", false, null)]
    public async Task AskAsync_ReadsWhatARuleMaySay(string value, bool isAllowed, string? reason)
    {
        await using var opa = await FakeOpa.StartAsync(Path, _ => JsonNode.Parse(value));
        using var authority = Authority(opa.Url);

        Assert.Equal(new AccessVerdict(isAllowed, reason), await authority.AskAsync(Question, Cancel));
    }

    [Fact]
    public async Task AskAsync_ReadsThePackage_WhereThatIsThePath()
    {
        await using var opa = await FakeOpa.StartAsync(Path, _ => true);
        using var authority = Authority(opa.Url, path: "controlplane");

        Assert.True((await authority.AskAsync(Question, Cancel)).IsAllowed);
    }

    [Theory]
    [InlineData(Path)]
    [InlineData("somewhere/else")]
    public async Task AskAsync_TakesWhatIsUndefined_ForADenial(string path)
    {
        await using var opa = await FakeOpa.StartAsync(Path, _ => null);
        using var authority = Authority(opa.Url, path);

        Assert.Equal(new AccessVerdict(false, $"'{path}' is undefined for this request"), await authority.AskAsync(Question, Cancel));
    }

    [Theory]
    [InlineData("7")]
    [InlineData("\"yes\"")]
    [InlineData("[true]")]
    [InlineData("{\"allowed\":true}")]
    [InlineData("{\"allow\":\"true\"}")]
    public async Task AskAsync_Throws_WhenTheRuleSaysNeitherYesNorNo(string value)
    {
        await using var opa = await FakeOpa.StartAsync(Path, _ => JsonNode.Parse(value));
        using var authority = Authority(opa.Url);

        var fault = await Assert.ThrowsAsync<AccessAuthorityException>(() => authority.AskAsync(Question, Cancel));

        Assert.Contains("is the path that of a rule?", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AskAsync_ShowsTheToken_AndThrowsTheAgentsOwnWords_WhenItIsRefused()
    {
        await using var opa = await FakeOpa.StartAsync(Path, _ => true);
        opa.Token = "t0ken";
        var file = System.IO.Path.Combine(folder, "token");
        await File.WriteAllTextAsync(file, "t0ken\n", Cancel);
        using var authority = Authority(opa.Url, tokenFile: file);
        using var stranger = Authority(opa.Url);

        Assert.True((await authority.AskAsync(Question, Cancel)).IsAllowed);
        var fault = await Assert.ThrowsAsync<AccessAuthorityException>(() => stranger.AskAsync(Question, Cancel));
        Assert.Equal("Open Policy Agent answered 401: unauthorized: request rejected by administrative policy", fault.Message);
    }

    [Fact]
    public async Task AskAsync_Throws_WhenEvaluatingFails()
    {
        await using var opa = await FakeOpa.StartAsync(Path, _ => true);
        opa.IsInConflict = true;
        using var authority = Authority(opa.Url);

        var fault = await Assert.ThrowsAsync<AccessAuthorityException>(() => authority.AskAsync(Question, Cancel));

        Assert.Contains("500: internal_error", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AskAsync_Throws_WhenNobodyListens()
    {
        using var authority = Authority($"http://127.0.0.1:{LoopbackPort.Free()}");

        await Assert.ThrowsAsync<AccessAuthorityException>(() => authority.AskAsync(Question, Cancel));
    }

    [Fact]
    public void Validate_NamesEveryFault()
    {
        var faults = new OpaOptionsValidator().Validate(
            null, new OpaOptions { Url = "http://opa.example.net", Path = "/v1/data/x", TokenFile = "/nowhere" });

        Assert.Equal(3, faults.Failures!.Count());
        Assert.True(new OpaOptionsValidator().Validate(null, new OpaOptions()).Succeeded);
    }

    private static OpaAuthority Authority(string url, string path = Path, string? tokenFile = null) =>
        new(Options.Create(new OpaOptions { Url = url, Path = path, TokenFile = tokenFile }));
}
