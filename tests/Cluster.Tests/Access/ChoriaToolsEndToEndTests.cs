using System.Diagnostics;
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
            - { role: ping, principals: [operator] }
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

        var asked = Question(node, "ping");
        var signed = await SignAsync(asked, token);
        Assert.True(signed["secure_request"] is not null, signed.ToJsonString());
        var reply = await AskAsync(node, asked, signed["secure_request"]!.GetValue<string>(), token);

        Assert.Equal(0, reply["statuscode"]!.GetValue<int>());
        Assert.Equal("Request denied", (await SignAsync(Question(node, "inventory"), token))["error"]!.GetValue<string>());
        await AssertRecordedAsync();

        Assert.True(ChoriaToken.TryReadUnverified(token, out ClientClaims? claims, out _));
        Assert.Equal(ExitCodes.Done, await TellAsync("access", "tokens", "revoke", claims.Id!, "--reason", "left"));
        var refused = await SignAsync(Question(node, "ping"), token);
        Assert.Equal("Request denied", refused["error"]!.GetValue<string>());
        Assert.Contains("revoked", refused["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    /// <summary>
    /// The bytes that Choria's command line sent: read whole, and refused for their age and for the organisation alone, with the status and
    /// the words of Choria's own service. Whether they are signed for in their time, the signer's own tests show.
    /// </summary>
    [Fact]
    public async Task CapturedRequests_AreRead_AndWhatIsNoneIsRefusedInTheSameWords()
    {
        foreach (var text in await File.ReadAllLinesAsync(Path.Combine(Captured, "http.jsonl"), Cancel))
        {
            var line = JsonNode.Parse(text)!;
            var path = line["path"]!.GetValue<string>();
            var isLogin = path.EndsWith("/login", StringComparison.Ordinal);
            var answer = await PostAsync(path, line["req_body"]!.GetValue<string>());

            Assert.Equal(isLogin ? "Login failed" : "Request denied", answer["error"]!.GetValue<string>());
            Assert.Contains(isLogin ? "old request" : "token", answer["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        }

        foreach (var body in (string[])["", "{", "[]", "{\"request\": 1}", "{\"request\": \"!\"}", new string(' ', 300 * 1024)])
        {
            Assert.Equal("the body cannot be read", (await PostAsync("/choria/v1/sign", body))["detail"]!.GetValue<string>());
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
            plugin.login.aaasvc.login.url = {new Uri(Api.BaseAddress!, "/choria/v1/login")}
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

    // In the order and the words of the captured client (v2-aaa, http.jsonl).
    private static byte[] Question(string node, string action)
    {
        var body = new JsonObject { ["agent"] = "rpcutil", ["action"] = action, ["data"] = new JsonObject() };
        return Encoding.UTF8.GetBytes(new JsonObject
        {
            ["protocol"] = "io.choria.protocol.v2.request",
            ["message"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(body.ToJsonString())),
            ["id"] = RandomNumberGenerator.GetHexString(26, lowercase: true),
            ["sender"] = "operator",
            ["caller"] = CallerId,
            ["collective"] = Collective,
            ["agent"] = "rpcutil",
            ["ttl"] = 60,
            ["time"] = (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100,
            ["filter"] = new JsonObject
            {
                ["fact"] = new JsonArray(),
                ["cf_class"] = new JsonArray(),
                ["agent"] = new JsonArray("rpcutil"),
                ["identity"] = new JsonArray(node),
                ["compound"] = new JsonArray(),
            },
        }.ToJsonString());
    }

    private async Task<JsonNode> SignAsync(byte[] question, string token)
    {
        using var key = Ed25519Key.FromSeedHex(await File.ReadAllTextAsync(SeedFile, Cancel));
        return await PostAsync("/choria/v1/sign", new JsonObject
        {
            ["token"] = token, ["request"] = Convert.ToBase64String(question), ["signature"] = key.SignHex(question),
        }.ToJsonString());
    }

    private async Task<JsonNode> PostAsync(string path, string text)
    {
        using var body = new StringContent(text, Encoding.UTF8, "application/json");
        using var answer = await Api.PostAsync(new Uri(path, UriKind.Relative), body, Cancel);
        Assert.True(answer.IsSuccessStatusCode);
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
