using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.Cluster.Tests.Enrolment;
using ControlPlane.Commands;
using ControlPlane.FleetSimulator;
using ControlPlane.IdentityProvider;
using ControlPlane.TestKit.Stage;
using Microsoft.Extensions.Logging.Abstractions;
using NATS.Client.Core;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>
/// A person's whole way with Choria's unmodified command line, over the real routes: identity provider, <c>choria-login</c>, signature,
/// broker, node, and the end of it by a revocation.
/// </summary>
public sealed class ChoriaToolsEndToEndTests : IAsyncLifetime
{
    private const string Collective = "choria";
    private const string CallerId = "oidc=operator";
    private const string LoginPath = "/choria/v1/login";
    private const string SignPath = "/choria/v1/sign";

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-choria-tools-").FullName;
    private readonly Ed25519Key delegateKey = Ed25519Key.Generate();
    private TestIdentityProvider provider = null!;
    private TestSignIn signIn = null!;
    private EnrolmentStage stage = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Captured => Path.Combine(RepositoryRoot.Path, "tests", "fixtures", "choria", "v2-aaa");

    private string TokenFile => Path.Combine(folder, "client", "token.jwt");

    private string SeedFile => Path.ChangeExtension(TokenFile, ".key");

    private HttpClient Api => stage.Silo!.Api;

    public async ValueTask InitializeAsync()
    {
        provider = await TestIdentityProvider.StartAsync(new IdentityProviderSettings(), Cancel);
        signIn = new TestSignIn(provider);
        var (policy, signer) = (Path.Combine(folder, "policy.yaml"), Path.Combine(folder, "signer.jwt"));
        await File.WriteAllTextAsync(
            policy,
            """
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles:
              all: [{ permissions: ["*"] }]
              ping: [{ permissions: [requests.sign], agents: [rpcutil], actions: [ping] }]
            grants:
            - { role: all, principals: [local] }
            - { role: ping, principals: [operator, alice, "up=alice"] }
            """,
            Cancel);
        stage = await Stages.StartAsync(
            Stages.Hosted with
            {
                MutualTls = false,
                ChoriaBrokers = true,
                MoreConfiguration = $"""
                    Access:
                      Policy: {"{"} File: {policy} {"}"}
                      Signer:
                        SignerTokenFile: {signer}
                        SignerSeedFile: {Path.ChangeExtension(signer, ".seed")}
                        UserFiles: [ {Path.Combine(Captured, "keys", "aaa", "aaa.json")} ]
                        Oidc: {"{"} Issuer: "{provider.Issuer}", ClientId: {TestClients.CommandLine} {"}"}
                    """,
            },
            Cancel);
        using var issuer = Ed25519Key.FromSeedHex(await File.ReadAllTextAsync(stage.Secrets.IssuerSeedFile, Cancel));
        var claims = new ClientClaims
        {
            CallerId = "controlplane_request_signer",
            PublicKey = delegateKey.PublicKeyHex,
            OrganizationUnit = TokenClaims.DefaultOrganization,
            Permissions = new ClientPermissions { AuthenticationDelegator = true },
        };
        await WriteSecretAsync(
            signer, TokenIssuer.Organization(issuer).Issue(claims, TimeSpan.FromDays(1), TimeProvider.System.GetUtcNow()));
        await WriteSecretAsync(Path.ChangeExtension(signer, ".seed"), delegateKey.ExportSeedHex());
        await stage.StartSiloAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await stage.DisposeAsync();
        signIn.Dispose();
        await provider.DisposeAsync();
        delegateKey.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task ANode_ServesARequest_OfWhomTheProviderSignedIn_UntilTheTokenIsRevoked()
    {
        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, 1, FleetProtocol.V2), Cancel);
        Assert.True(await fleet.WaitForArrivalsAsync(TimeSpan.FromMinutes(5), cancellationToken: Cancel), stage.SiloOutput);
        var node = fleet.Nodes[0].Identity;
        var token = await LogInAsync();

        var asked = QuestionOf(CallerId, "ping", node);
        var signed = await SignAsync(asked, token);
        Assert.True(signed["secure_request"] is not null, signed.ToJsonString());
        var reply = await AskAsync(node, asked, signed["secure_request"]!.GetValue<string>(), token);

        Assert.Equal(0, reply["statuscode"]!.GetValue<int>());
        Assert.Equal("Request denied", (await SignAsync(QuestionOf(CallerId, "inventory", node), token))["error"]!.GetValue<string>());
        await AssertRecordedAsync();

        Assert.True(ChoriaToken.TryReadUnverified(token, out ClientClaims? claims, out _));
        Assert.Equal(ExitCodes.Done, await TellAsync("access", "tokens", "revoke", claims.Id!, "--reason", "left"));
        var refused = await SignAsync(QuestionOf(CallerId, "ping", node), token);
        Assert.Equal("Request denied", refused["error"]!.GetValue<string>());
        Assert.Contains("revoked", refused["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    /// <summary>
    /// What Choria's command line sent, over the real routes: the captured bytes are read whole and are too old, and signed anew they get
    /// what Choria's own service answered, in its shape.
    /// </summary>
    [Fact]
    public async Task CapturedRequests_AreAnsweredAsByChoriasService()
    {
        var token = "";
        var lines = await File.ReadAllLinesAsync(Path.Combine(Captured, "http.jsonl"), Cancel);
        Assert.Equal(4, lines.Length);
        foreach (var line in lines.Select(text => JsonNode.Parse(text)!))
        {
            var (path, body) = (line["path"]!.GetValue<string>(), line["req_body"]!.GetValue<string>());
            var isLogin = path == LoginPath;
            var refused = await PostAsync(path, body);
            Assert.Equal(isLogin ? "Login failed" : "Request denied", refused["error"]!.GetValue<string>());
            Assert.Contains(isLogin ? "old request" : "token is refused", refused["detail"]!.GetValue<string>(), StringComparison.Ordinal);

            var answer = isLogin ? await PostAsync(path, LoginAnew(body)) : await SignAsync(QuestionOf("up=alice", "ping"), token);

            var captured = JsonNode.Parse(line["resp_body"]!.GetValue<string>())!.AsObject();
            Assert.Equal(captured.Select(member => member.Key), answer.AsObject().Select(member => member.Key));
            token = answer["token"]?.GetValue<string>() ?? token;
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"request": 1, "timestamp": 1}""")]
    [InlineData("""{"request": "!", "username": []}""")]
    [InlineData(null)]
    public async Task WhatIsNoRequest_IsRefusedInTheSameWords(string? body)
    {
        foreach (var path in (string[])[LoginPath, SignPath])
        {
            var refused = await PostAsync(path, body ?? new string(' ', 300 * 1024));
            Assert.Equal("the body cannot be read", refused["detail"]!.GetValue<string>());
        }
    }

    /// <summary>The build makes the program that <c>choria login</c> looks for.</summary>
    [Fact]
    public async Task TheProgram_IsBuilt_AndKnowsItsName()
    {
        var configuration = Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;
        var program = Path.Combine(RepositoryRoot.Path, "Silo", "bin", configuration, "net10.0", ChoriaLoginCommand.Name);
        using var run = Process.Start(new ProcessStartInfo(program, "--help") { RedirectStandardOutput = true })!;

        var said = await run.StandardOutput.ReadToEndAsync(Cancel);
        await run.WaitForExitAsync(Cancel);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("--config", said, StringComparison.Ordinal);
    }

    // As choria runs it.
    private async Task<string> LogInAsync()
    {
        var config = Path.Combine(folder, "client.conf");
        await File.WriteAllTextAsync(
            config,
            $"""
            plugin.login.aaasvc.login.url = {new Uri(Api.BaseAddress!, LoginPath)}
            plugin.security.choria.token_file = {TokenFile}
            plugin.security.choria.seed_file = {SeedFile}
            """,
            Cancel);
        using var login = new RunningCommand([ChoriaLoginCommand.Name, "login", "--config", config]);
        await signIn.ApproveAsync(await login.SaysAsync("code ([A-Z0-9-]+)"), "operator", secondFactor: true, Cancel);
        var (code, said) = await login.EndAsync();

        Assert.True(code == ExitCodes.Done, said);
        Assert.Contains($"Signed in as {CallerId}", said, StringComparison.Ordinal);
        foreach (var file in (string[])[TokenFile, SeedFile])
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        return (await File.ReadAllTextAsync(TokenFile, Cancel)).Trim();
    }

    // By the key that signs what this test asks for.
    private string LoginAnew(string captured)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(SeedFile)!);
        using var key = File.Exists(SeedFile) ? Ed25519Key.FromSeedHex(File.ReadAllText(SeedFile)) : Ed25519Key.Generate();
        File.WriteAllText(SeedFile, key.ExportSeedHex());
        var login = JsonNode.Parse(captured)!;
        login["timestamp"] = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        login["public_key"] = key.PublicKeyHex;
        login["signature"] = key.SignHex(Encoding.UTF8.GetBytes($"{login["timestamp"]}:{login["username"]}:{login["password"]}"));
        return login.ToJsonString();
    }

    // In the order and the words of the captured client (v2-aaa, http.jsonl).
    private static byte[] QuestionOf(string caller, string action, params string[] nodes)
    {
        var body = new JsonObject { ["agent"] = "rpcutil", ["action"] = action, ["data"] = new JsonObject() };
        return Encoding.UTF8.GetBytes(new JsonObject
        {
            ["protocol"] = "io.choria.protocol.v2.request",
            ["message"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(body.ToJsonString())),
            ["id"] = RandomNumberGenerator.GetHexString(26, lowercase: true),
            ["sender"] = "operator",
            ["caller"] = caller,
            ["collective"] = Collective,
            ["agent"] = "rpcutil",
            ["ttl"] = 60,
            ["time"] = (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100,
            ["filter"] = new JsonObject
            {
                ["fact"] = new JsonArray(),
                ["cf_class"] = new JsonArray(),
                ["agent"] = new JsonArray("rpcutil"),
                ["identity"] = new JsonArray([.. nodes.Select(node => JsonValue.Create(node))]),
                ["compound"] = new JsonArray(),
            },
        }.ToJsonString());
    }

    private async Task<JsonNode> SignAsync(byte[] question, string token)
    {
        using var key = Ed25519Key.FromSeedHex(await File.ReadAllTextAsync(SeedFile, Cancel));
        return await PostAsync(SignPath, new JsonObject
        {
            ["token"] = token, ["request"] = Convert.ToBase64String(question), ["signature"] = key.SignHex(question),
        }.ToJsonString());
    }

    private async Task<JsonNode> PostAsync(string path, string text)
    {
        using var body = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
        body.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var answer = await Api.PostAsync(new Uri(path, UriKind.Relative), body, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancel))!;
    }

    // The client logs in to the broker with its own token, and puts that in the place of the caller's.
    private async Task<JsonNode> AskAsync(string node, byte[] question, string secureRequest, string token)
    {
        Assert.True(PlainRequest.TryRead(question, out var asked, out _));
        var replySubject = ChoriaSubjects.Reply(Collective, CallerId, asked.Request.Id);
        var secure = JsonNode.Parse(Convert.FromBase64String(secureRequest))!;
        secure["caller"] = token;
        var message = new JsonObject
        {
            ["protocol"] = "io.choria.protocol.v2.transport",
            ["data"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(secure.ToJsonString())),
            ["headers"] = new JsonObject { ["reply"] = replySubject, ["sender"] = "operator" },
        };

        await using var connection = Connect();
        await using var replies = await connection.SubscribeCoreAsync<byte[]>(replySubject, cancellationToken: Cancel);
        await connection.PingAsync(Cancel);
        await connection.PublishAsync(
            ChoriaSubjects.Node(Collective, node), Encoding.UTF8.GetBytes(message.ToJsonString()), cancellationToken: Cancel);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        var received = await replies.Msgs.ReadAsync(patience.Token);

        Assert.True(ChoriaEnvelope.TryDecodeReply(received.Data, out var reply, out var unread), $"{unread}");
        using var issuer = Ed25519Key.FromSeedHex(await File.ReadAllTextAsync(stage.Secrets.IssuerSeedFile, Cancel));
        var trust = TokenTrust.InOrganizations(new Dictionary<string, IssuerKey>
        {
            [TokenClaims.DefaultOrganization] = IssuerKey.FromEd25519Hex(issuer.PublicKeyHex),
        });
        Assert.Null(ReplyVerification.Judge(reply, asked.Request, node, trust, TimeProvider.System.GetUtcNow()));
        return JsonNode.Parse(reply.Reply.Body.Span)!;
    }

    private NatsConnection Connect()
    {
        var login = new NetworkOptions
        {
            Urls = [stage.Brokers.Overlays[0].Url], CaFile = stage.AuthorityPath, TokenFile = TokenFile, SeedFile = SeedFile,
        };
        var inbox = FleetConnections.InboxPrefix(login);
        var connector = new BrokerConnector(
            "client", login, new BrokerLogin(login, "client", inbox), [], TimeProvider.System, NullLogger<BrokerConnector>.Instance);
        return new NatsConnection(FleetConnections.ClientOptions("client", connector, login, inbox, NullLoggerFactory.Instance));
    }

    /// <summary>What was signed was recorded before it was given, and what was not signed was recorded as well.</summary>
    private async Task AssertRecordedAsync()
    {
        var records = (await Api.GetFromJsonAsync<JsonElement>("/v1/audit?who=operator&oldestFirst=true", Cancel))
            .GetProperty("records").EnumerateArray()
            .Where(record => record.GetProperty("operation").GetString() == "SignChoriaRequest").ToList();
        Assert.Equal(
            ["call rpcutil.ping", "outcome rpcutil.ping", "denied rpcutil.inventory"],
            records.Select(record => $"{Text(record, "kind")} {Text(record.GetProperty("on"), "agent")}.{Text(record.GetProperty("on"), "action")}"));
        Assert.Equal("signed", Text(records[1], "outcome"));
        Assert.All(records, record => Assert.Equal("operator", Text(record.GetProperty("who"), "principal")));

        static string Text(JsonElement of, string name) => of.GetProperty(name).GetString()!;
    }

    private async Task<int> TellAsync(params string[] command)
    {
        using var said = new StringWriter();
        return await CommandLine.RunAsync([.. command, "--url", Api.BaseAddress!.ToString()], said, said);
    }

    private static async Task WriteSecretAsync(string path, string secret)
    {
        await File.WriteAllTextAsync(path, secret, Cancel);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
