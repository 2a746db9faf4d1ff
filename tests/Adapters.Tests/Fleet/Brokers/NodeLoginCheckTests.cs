using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Nodes;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Fleet.Brokers;

/// <summary>What is seen of brokers before a node is configured for them, at brokers as strict as Choria's and at stock ones.</summary>
public sealed class NodeLoginCheckTests : IDisposable
{
    private readonly TestPki pki = TestPki.Create();
    private readonly TestPki foreign = TestPki.Create(name: "somebody else's CA");
    private readonly Ed25519Key issuer = Ed25519Key.Generate();
    private readonly OwnTokenIssuer own;
    private readonly ChoriaServerTokenIssuer tokens;

    public NodeLoginCheckTests()
    {
        var seed = Path.Combine(pki.Folder, "issuer.seed");
        File.WriteAllText(seed, issuer.ExportSeedHex());
        own = new OwnTokenIssuer(Options.Create(new FleetOptions { ServerTokenSeedFile = seed }));
        tokens = new ChoriaServerTokenIssuer(own);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Authority => File.ReadAllText(pki.AuthorityPath);

    public void Dispose()
    {
        own.Dispose();
        issuer.Dispose();
        foreign.Dispose();
        pki.Dispose();
    }

    [Fact]
    public async Task ABrokerOfTheNodesCa_TakesItsCertificate()
    {
        await using var broker = await StartAsync(V1);

        Assert.Null(await FaultAsync(ByCertificate(broker.Url, Authority)));
    }

    [Fact]
    public async Task ABroker_ThatTheNodeCannotVerify_IsAFault()
    {
        await using var broker = await StartAsync(V1);

        var fault = await FaultAsync(ByCertificate(broker.Url, File.ReadAllText(foreign.AuthorityPath)));

        Assert.StartsWith($"{broker.Url}: the broker's certificate", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABroker_ThatTakesCertificatesOfAnotherCaOnly_IsAFault()
    {
        // Its own certificate is of the node's CA, the certificates that it takes are not.
        var certificate = pki.ServerCertificate("broker");
        await using var server = await NatsServer.StartAsync(
            new NatsServerSettings
            {
                Tls = new NatsServerTls(certificate.CertificatePath, certificate.KeyPath, foreign.AuthorityPath),
            },
            Token);

        Assert.Contains("takes certificates of", await FaultAsync(ByCertificate(server.Url, Authority)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABrokerOfTheOrganisation_TakesTheNodesToken()
    {
        await using var broker = await StartAsync(V2(issuer));

        Assert.Null(await FaultAsync(ByToken(broker.Url)));
        Assert.Empty(broker.Refusals);
    }

    [Fact]
    public async Task ABroker_ThatKnowsAnotherIssuer_IsAFault()
    {
        using var other = Ed25519Key.Generate();
        await using var broker = await StartAsync(V2(other));

        Assert.Equal(
            $"{broker.Url}: it refuses what the node is to log in with: Authorization Violation", await FaultAsync(ByToken(broker.Url)));
    }

    [Fact]
    public async Task AStockBroker_TakesUserAndPassword_AndNoOther()
    {
        var certificate = pki.ServerCertificate("broker");
        await using var server = await NatsServer.StartAsync(
            new NatsServerSettings
            {
                Tls = new NatsServerTls(certificate.CertificatePath, certificate.KeyPath, null),
                Configuration = """authorization { users: [ { user: "node", password: "right" } ] }""",
            },
            Token);

        Assert.Null(await FaultAsync(ByToken(server.Url) with { User = "node", Password = "right" }));
        var fault = await FaultAsync(ByToken(server.Url) with { User = "node", Password = "wrong" });
        Assert.Contains("Authorization Violation", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OneBrokerThatIsAway_IsNoFault_AndAllAre()
    {
        await using var broker = await StartAsync(V1);
        var away = $"nats://127.0.0.1:{LoopbackPort.Free()}";

        Assert.Null(await FaultAsync(ByCertificate($"{broker.Url},{away}", Authority)));
        Assert.Contains("cannot be reached", await FaultAsync(ByCertificate(away, Authority)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANameThatDoesNotResolve_IsAFault_BesideOneThatDoes()
    {
        await using var broker = await StartAsync(V1);

        Assert.Equal(
            "nats://broker.invalid:4222: the name 'broker.invalid' does not resolve",
            await FaultAsync(ByCertificate($"{broker.Url}, nats://broker.invalid:4222", Authority)));
    }

    [Fact]
    public async Task WhatFits_IsRemembered_SoThatAHerdCostsOneLook()
    {
        await using var broker = await StartAsync(V2(issuer));
        var check = Check();
        var login = ByToken(broker.Url);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => check.FindFaultAsync(login with { }, Token)));

        await broker.Server.KillAsync();

        Assert.Null(await check.FindFaultAsync(login, Token));
        Assert.NotNull(await Check().FindFaultAsync(login, Token));
    }

    private static BrokerSettings V1 => new() { VerifiesCertificates = true };

    private static BrokerSettings V2(Ed25519Key issuer) => new()
    {
        Issuers = new Dictionary<string, IssuerKey> { ["choria"] = IssuerKey.FromEd25519Hex(issuer.PublicKeyHex) },
    };

    private static NodeLogin ByCertificate(string brokers, string authorities) => new(brokers, authorities, true, null, null, null);

    private static NodeLogin ByToken(string brokers) => new(brokers, null, false, "choria", null, null);

    private NodeLoginCheck Check() => new(tokens, TimeProvider.System, NullLogger<NodeLoginCheck>.Instance);

    private Task<string?> FaultAsync(NodeLogin login) => Check().FindFaultAsync(login, Token);

    private Task<ChoriaBroker> StartAsync(BrokerSettings access) => ChoriaBroker.StartAsync(
        new ChoriaBrokerSettings
        {
            Access = access, Certificate = pki.ServerCertificate("broker"), AuthorityPath = pki.AuthorityPath, StreamsAfter = null,
        },
        Token);
}
