using System.Net;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Redis;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Nodes;
using ControlPlane.Store;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>Callers with Choria client tokens, each of whose requests their key signs.</summary>
public sealed class ChoriaCallerTests : IAsyncLifetime
{
    private const string Reprovision = "/v1/nodes/web1.example.net:reprovision";

    private readonly Ed25519Key _issuer = Ed25519Key.Generate();
    private readonly Ed25519Key _key = Ed25519Key.Generate();
    private RedisServer _redis = null!;
    private ConnectionMultiplexer _connection = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync(Cancellation);
        _connection = await ConnectionMultiplexer.ConnectAsync(_redis.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _redis.DisposeAsync();
        _issuer.Dispose();
        _key.Dispose();
    }

    [Fact]
    public async Task ASignedRequest_IsByTheTokensCaller()
    {
        await using var api = await StartAsync();

        using var answer = await SendAsync(api, Token(), HttpMethod.Get, "/v1/access/whoami?x=1");

        var me = await answer.JsonAsync();
        Assert.Equal("up=alice", me.GetProperty("principal").GetString());
        Assert.Equal("choriaToken", me.GetProperty("method").GetString());
    }

    [Fact]
    public async Task ATokenOfSomebodyWhoSignedIn_IsThatPersons()
    {
        await using var api = await StartAsync();
        var at = DateTimeOffset.FromUnixTimeSeconds(1_790_000_000);
        api.Grains.Recognise = _ => new TokenAdmission.Admitted(new ChoriaSignIn("alice@example.net", ChoriaTokenOrigin.Oidc)
        {
            Groups = ["operators"], SecondFactorAt = at,
        });

        using var answer = await SendAsync(api, Token(), HttpMethod.Get, "/v1/access/whoami");

        var me = await answer.JsonAsync();
        Assert.Equal("alice@example.net", me.GetProperty("principal").GetString());
        Assert.Equal("operators", Assert.Single(me.GetProperty("groups").EnumerateArray()).GetString());
        Assert.Equal(at, me.GetProperty("secondFactorAt").GetDateTimeOffset());
        Assert.Equal("up=alice", Assert.Single(me.GetProperty("claims").GetProperty("callerid").EnumerateArray()).GetString());
    }

    [Fact]
    public async Task ARevokedToken_CallsNoMore()
    {
        await using var api = await StartAsync();
        api.Grains.Recognise = _ => new TokenAdmission.Refused("the token was revoked");

        using var answer = await SendAsync(api, Token(), HttpMethod.Get, "/v1/access/whoami");

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task NobodyIsLetIn_WhileTheRegisterDoesNotAnswer()
    {
        await using var api = await StartAsync();
        api.Grains.Recognise = _ => throw new TimeoutException();

        using var answer = await SendAsync(api, Token(), HttpMethod.Get, "/v1/access/whoami");

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task ABody_IsSigned_AndReadByTheEndpointAllTheSame()
    {
        await using var api = await StartAsync();

        using var answer = await SendAsync(api, Token(), HttpMethod.Post, Reprovision, """{"reason": "x"}""");

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.NotNull(api.Grains.LastReprovision);
    }

    [Fact]
    public async Task TheTokenAlone_IsNotEnough()
    {
        await using var api = await StartAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync(Token()));
    }

    public static TheoryData<string> Changes => ["method", "host", "target", "body", "time", "nonce", "key", "token", "form", "case"];

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task ASignature_IsRefused_WhenItIsOfAnotherRequest(string changed)
    {
        await using var api = await StartAsync();
        using var other = Ed25519Key.Generate();
        const string body = """{"reason": "x"}""";
        var request = new SignedRequest("POST", api.Url.Authority, Reprovision, SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        var signed = changed switch
        {
            "method" => request with { Method = "PUT" },
            "host" => request with { Host = "controlplane.example.org" },
            "target" => request with { Target = Reprovision + "?" },
            "body" => request with { BodyDigest = SHA256.HashData([]) },
            _ => request,
        };
        var token = Token();
        var signature = Sign(changed == "key" ? other : _key, changed == "token" ? Token() + "x" : token, signed, Now);
        var header = changed switch
        {
            "time" => (signature with { At = signature.At.AddSeconds(1) }).ToString(),
            "nonce" => (signature with { Nonce = new string('0', 20) }).ToString(),
            "form" => signature.ToString().Replace(", ", ",", StringComparison.Ordinal),
            "case" => signature.ToString().Replace("t=", "T=", StringComparison.Ordinal),
            _ => signature.ToString(),
        };

        using var answer = await SendAsync(api, token, HttpMethod.Post, Reprovision, body, header);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Null(api.Grains.LastReprovision);
    }

    [Theory]
    [InlineData(-120)]
    [InlineData(120)]
    public async Task ASignature_IsRefused_WhenItIsOfAnotherTime(int seconds)
    {
        await using var api = await StartAsync();
        var token = Token();
        var request = new SignedRequest("GET", api.Url.Authority, "/v1/nodes", SHA256.HashData([]));

        using var answer = await SendAsync(
            api, token, HttpMethod.Get, "/v1/nodes", header: Sign(_key, token, request, Now.AddSeconds(seconds)).ToString());

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task ASignature_IsTakenOnce_ByAllSilosTogether()
    {
        await using var one = await StartAsync();
        await using var two = await StartAsync();
        var token = Token();
        var request = new SignedRequest("GET", "controlplane.example.net", "/v1/nodes", SHA256.HashData([]));
        var header = Sign(_key, token, request, Now).ToString();

        foreach (var (api, status) in new[]
        {
            (one, HttpStatusCode.OK), (one, HttpStatusCode.Unauthorized), (two, HttpStatusCode.Unauthorized),
        })
        {
            api.Http.DefaultRequestHeaders.Host = "controlplane.example.net";
            using var answer = await SendAsync(api, token, HttpMethod.Get, "/v1/nodes", header: header);
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task NobodyIsLetIn_WhileNobodyCanSayWhichSignaturesWereUsed()
    {
        await using var api = await StartAsync();
        await _redis.StopAsync();

        using var answer = await SendAsync(api, Token(), HttpMethod.Get, "/v1/nodes");

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task ATokenOfAChain_IsTaken_AndItsIssuersOwnIsNot()
    {
        await using var api = await StartAsync();
        using var chainKey = Ed25519Key.Generate();
        var issuers = TokenIssuer.Organization(_issuer);
        var chainToken = issuers.IssueChainIssuer(
            new ClientClaims { CallerId = "aaa", PublicKey = chainKey.PublicKeyHex }, TimeSpan.FromHours(1), Now);
        Assert.True(ChoriaToken.TryReadUnverified(chainToken, out ClientClaims? chain, out _));
        var leaf = TokenIssuer.Chained(chainKey, chain).Issue(Claims(), TimeSpan.FromHours(1), Now);

        using var taken = await SendAsync(api, leaf, HttpMethod.Get, "/v1/nodes");
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        using var refused = await SendAsync(api, chainToken, HttpMethod.Get, "/v1/nodes", key: chainKey);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task AToken_IsRefused_WhenItsIssuerIsAnother_OrItHasEnded()
    {
        await using var api = await StartAsync();
        using var stranger = Ed25519Key.Generate();
        var forged = TokenIssuer.Organization(stranger).Issue(Claims(), TimeSpan.FromHours(1), Now);
        var ended = TokenIssuer.Organization(_issuer).Issue(Claims(), TimeSpan.FromHours(1), Now.AddHours(-2));
        var foreign = TokenIssuer.Organization(_issuer).Issue(
            Claims() with { OrganizationUnit = "other" }, TimeSpan.FromHours(1), Now);

        foreach (var token in new[] { forged, ended, foreign })
        {
            using var answer = await SendAsync(api, token, HttpMethod.Get, "/v1/nodes");
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }
    }

    [Fact]
    public async Task APrincipal_IsLocked_WhoseTokenIsShownWithoutItsKey()
    {
        await using var api = await StartAsync(("Access:Limits:PrincipalFailuresMax", "3"));
        using var thief = Ed25519Key.Generate();
        for (var tries = 0; tries < 3; tries++)
        {
            using var stolen = await SendAsync(api, Token(), HttpMethod.Get, "/v1/nodes", key: thief);
            Assert.Equal(HttpStatusCode.Unauthorized, stolen.StatusCode);
        }

        using var answer = await SendAsync(api, Token(), HttpMethod.Get, "/v1/nodes");

        await answer.AssertProblemAsync(HttpStatusCode.TooManyRequests, "too-many-requests");
        Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.FromMinutes(1));
    }

    private static RequestSignature Sign(Ed25519Key key, string token, SignedRequest request, DateTimeOffset at)
    {
        var unsigned = new RequestSignature(at, RandomNumberGenerator.GetHexString(32), "");
        return unsigned with { Signature = key.SignHex(unsigned.Statement(token, request)) };
    }

    private Task<ApiHost> StartAsync(params (string, string)[] settings) => ApiHost.StartAsync(
        services =>
        {
            services.AddSingleton<IAskedOnce>(new RedisAskedOnce(_connection, "eu-1"));
            services.Configure<ProvisioningOptions>(provisioning => provisioning.Issuers["choria"] = _issuer.PublicKeyHex);
        },
        [.. settings, ("Access:Choria:Enabled", "true"), ("Provisioning:Issuers:choria", _issuer.PublicKeyHex)]);

    private ClientClaims Claims() => new() { CallerId = "up=alice", PublicKey = _key.PublicKeyHex };

    private string Token() => TokenIssuer.Organization(_issuer).Issue(Claims(), TimeSpan.FromHours(1), Now);

    private Task<HttpResponseMessage> SendAsync(
        ApiHost api, string token, HttpMethod method, string path, string? body = null, string? header = null, Ed25519Key? key = null)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(body ?? ""));
        var request = new HttpRequestMessage(method, path)
        {
            Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new("Bearer", token);
        request.Headers.TryAddWithoutValidation(
            RequestSignature.Header,
            header ?? Sign(key ?? _key, token, new SignedRequest(method.Method, api.Url.Authority, path, digest), Now).ToString());
        return api.Http.SendAsync(request, Cancellation);
    }
}
