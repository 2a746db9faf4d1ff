namespace ControlPlane.Adapters.Choria.Tests;

using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Tests.Infra;
using ControlPlane.TestKit;

/// <summary>
/// The stand-in for Choria's broker against what Choria's did: over a real nats-server, TLS and CONNECT line by line, and its permissions
/// subject by subject.
/// </summary>
public sealed class ChoriaBrokerTests : IDisposable
{
    private const int LogInsOfAMode = 138;

    private readonly TestPki pki = TestPki.Create();
    private readonly TestPki foreign = TestPki.Create(name: "somebody else's CA");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        pki.Dispose();
        foreign.Dispose();
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("v2ca")]
    [InlineData("v2notoken")]
    [InlineData("v2noprov")]
    [InlineData("v1")]
    [InlineData("v1sign")]
    public async Task LogIns_EndAsAtChoriasBroker(string mode)
    {
        // Who signed the nonce of a recording cannot sign another one: what is judged is that of the recording, with the time of it.
        string? nonce = null;
        await using var broker = await StartAsync(mode, () => nonce);
        var lines = CapturedBrokers.Lines("connect").Where(line => (string?)line["mode"] == mode).ToList();
        var faults = new List<string>();
        foreach (var line in lines)
        {
            nonce = (string?)line["nonce"];
            var (recorded, found) = (Recorded(line), await LogInAsync(broker, line["fields"]!, (string)line["tls"]!));
            if (recorded != found)
            {
                faults.Add($"{line["id"]}: {found} for {recorded}");
            }
        }

        Assert.Equal(LogInsOfAMode, lines.Count);
        Assert.Empty(faults);
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("v2ca")]
    [InlineData("v2notoken")]
    [InlineData("v1")]
    [InlineData("v1sign")]
    public async Task Subjects_AreGrantedAsByChoriasBroker(string mode)
    {
        string? nonce = null;
        await using var broker = await StartAsync(mode, () => nonce);
        var lines = CapturedBrokers.Lines("permissions").Where(line => (string?)line["mode"] == mode)
            .ToLookup(line => (string?)line["op"] == "definition");
        var probes = lines[false].ToLookup(line => (string)line["identity"]!);
        var faults = new List<string>();
        foreach (var definition in lines[true])
        {
            var logIn = CapturedBrokers.LogIn(definition);
            nonce = logIn.Nonce;
            using var certificate = logIn.Tls == LogInTls.WithTrustedCertificate ? Certificate("bob") : null;
            var connect = new { auth_token = logIn.Token, sig = logIn.Signature, user = logIn.User, pass = logIn.Password };
            await using var party = await AgentConnection.OpenAsync(PortOf(broker), connect, Token, certificate);
            Assert.Null(party.LoginFault);
            foreach (var probe in probes[(string)definition["identity"]!])
            {
                var subject = (string)probe["subject"]!;
                var fault = (string)probe["op"]! == "sub"
                    ? await party.SubscribeAsync(subject, Token)
                    : await party.PublishAsync(subject, Token);
                if ((fault is null) != (bool)probe["allowed"]!)
                {
                    faults.Add($"{probe["identity"]} {probe["op"]} {subject}: {fault ?? "allowed"}");
                }
            }
        }

        Assert.Empty(faults);
    }

    /// <summary>The nonce is the server's own here: nothing but base64url without padding will do.</summary>
    [Theory]
    [InlineData("", true)]
    [InlineData("==", false)]
    [InlineData("standard", false)]
    [InlineData("other nonce", false)]
    public async Task TheNonce_IsSignedAsChoriasBrokerWantsIt(string kind, bool isAdmitted)
    {
        await using var broker = await StartAsync("v2");
        using var key = Ed25519Key.Generate();
        var claims = new ClientClaims
        {
            CallerId = "up=bob", PublicKey = key.PublicKeyHex, OrganizationUnit = "choria", Permissions = new ClientPermissions(),
        };
        var token = TokenIssuer.Organization(CapturedBrokers.Issuer)
            .Issue(claims, TimeSpan.FromHours(1), TimeProvider.System.GetUtcNow());

        await using var client = await AgentConnection.OpenAsync(
            PortOf(broker), nonce => new { auth_token = token, jwt = token, sig = Sign(nonce!), name = "bob" }, Token);

        Assert.Equal(isAdmitted, client.LoginFault is null);
        Assert.Equal(isAdmitted, broker.Refusals.IsEmpty);

        string Sign(string nonce) => kind switch
        {
            // Nearly every signature has one of the two.
            "standard" => "+/" + NatsNonce.Sign(key, nonce)[2..],
            "other nonce" => NatsNonce.Sign(key, "other"),
            _ => NatsNonce.Sign(key, nonce) + kind,
        };
    }

    [Fact]
    public async Task TheBroker_LetsInAgain_AfterItsServerWasKilled()
    {
        await using var broker = await StartAsync("v1");
        await broker.Server.KillAsync();
        await broker.RestartAsync(Token);
        using var certificate = Certificate("bob");

        await using var node = await AgentConnection.OpenAsync(PortOf(broker), new { name = "bob" }, Token, certificate);

        Assert.Null(node.LoginFault);
        Assert.Null(await node.SubscribeAsync("mcollective.node.bob", Token));
    }

    private static int PortOf(ChoriaBroker broker) => new Uri(broker.Url).Port;

    private static (bool IsAdmitted, string? Account, string? User) Recorded(JsonNode line) => (string)line["answer"]! == "accepted"
        ? (true, (string?)line["account"], (string?)line["registered_user"])
        : (false, null, null);

    private Task<ChoriaBroker> StartAsync(string mode, Func<string?>? nonce = null)
    {
        var access = CapturedBrokers.Settings[mode];
        return ChoriaBroker.StartAsync(
            new ChoriaBrokerSettings
            {
                Access = access,
                Certificate = pki.ServerCertificate("broker"),
                AuthorityPath = pki.AuthorityPath,
                Judge = nonce is null
                    ? null
                    : logIn => BrokerDecision.Judge(access, logIn with { Nonce = nonce() }, CapturedBrokers.Now),
            },
            Token);
    }

    private async Task<(bool IsAdmitted, string? Account, string? User)> LogInAsync(ChoriaBroker broker, JsonNode fields, string tls)
    {
        if (tls == "none")
        {
            return (await IsAdmittedInTheClearAsync(PortOf(broker), fields), null, null);
        }

        using var certificate = tls == "server only" ? null : Certificate(tls["mTLS:".Length..]);
        try
        {
            await using var party = await AgentConnection.OpenAsync(PortOf(broker), fields, Token, certificate);
            return party.LoginFault is null ? await RegisteredAsync(broker) : (false, null, null);
        }
        catch (Exception closed) when (closed is IOException or AuthenticationException)
        {
            return (false, null, null);
        }
    }

    private static async Task<bool> IsAdmittedInTheClearAsync(int port, JsonNode fields)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, Token);
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes($"CONNECT {fields.ToJsonString()}\r\nPING\r\n"), Token);
        using var reader = new StreamReader(client.GetStream());
        try
        {
            return (await reader.ReadToEndAsync(Token)).Contains("PONG", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    // The newest connection is ours.
    private static async Task<(bool IsAdmitted, string? Account, string? User)> RegisteredAsync(ChoriaBroker broker)
    {
        using var http = new HttpClient();
        var state = await http.GetFromJsonAsync<JsonNode>(
            new Uri($"http://127.0.0.1:{broker.Server.MonitorPort}/connz?auth=true&sort=cid"), Token);
        var connection = state!["connections"]!.AsArray()[^1]!;

        // Of who has no name the server shows the token.
        var user = (string?)connection["authorized_user"];
        return (true, (string?)connection["account"], user?.StartsWith("eyJ", StringComparison.Ordinal) == true ? "" : user ?? "");
    }

    private X509Certificate2 Certificate(string name)
    {
        if (name == "expired")
        {
            return Expired();
        }

        var files = (name == "rogue" ? foreign : pki).ClientCertificate(name);
        return X509Certificate2.CreateFromPemFile(files.CertificatePath, files.KeyPath);
    }

    private X509Certificate2 Expired()
    {
        using var authority = X509Certificate2.CreateFromPemFile(pki.AuthorityPath, Path.ChangeExtension(pki.AuthorityPath, ".key"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=expired", key, HashAlgorithmName.SHA256);
        using var certificate = request.Create(
            authority.SubjectName,
            X509SignatureGenerator.CreateForECDsa(authority.GetECDsaPrivateKey()!),
            authority.NotBefore,
            authority.NotBefore.AddMinutes(1),
            RandomNumberGenerator.GetBytes(16));
        return certificate.CopyWithPrivateKey(key);
    }
}
