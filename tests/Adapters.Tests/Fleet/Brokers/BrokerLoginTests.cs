using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Tests.Nats;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Fleet.Brokers;

/// <summary>The silo's logins against a broker that is as strict as Choria's, and TLS against a real nats-server.</summary>
public sealed class BrokerLoginTests : IAsyncDisposable
{
    private const string Overlay = "eu-1";
    private const string CallerId = "up=controlplane";

    private readonly TestPki pki = TestPki.Create();
    private readonly Ed25519Key key = Ed25519Key.Generate();
    private readonly StrictBroker broker;
    private readonly FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());
    private readonly CollectedLog log = new();
    private readonly ILoggerFactory loggers;
    private FleetConnections? connections;

    public BrokerLoginTests()
    {
        loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        broker = new StrictBroker { Certificate = pki.ServerCertificate("broker"), PublicKey = key.PublicKey.ToArray() };
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await (connections?.DisposeAsync() ?? ValueTask.CompletedTask);
        await broker.DisposeAsync();
        loggers.Dispose();
        key.Dispose();
        pki.Dispose();
    }

    [Fact]
    public async Task Connect_SignsTheNonceAsChoriasBrokersWantIt_AtEachReconnectToo()
    {
        var connection = Connect(WithToken());

        await connection.PingAsync(Token);
        for (var cuts = 1; cuts <= 5; cuts++)
        {
            broker.Cut();
            await Readiness.UntilAsync(_ => Task.FromResult(broker.Logins.Count > cuts), "another login", Token);
            await connection.PingAsync(Token);
        }

        Assert.Empty(broker.Refusals);
        Assert.All(broker.Logins, login => Assert.Equal(login.GetProperty("auth_token").GetString(), login.GetProperty("jwt").GetString()));
        Assert.Empty(connections!.FaultsOf(Overlay));
    }

    [Fact]
    public async Task Connect_TakesTheBrokersOfTheClusterThatInfoNames_AndHoldsThemToTheSeedsName()
    {
        await using var other = new StrictBroker
        {
            // For the seed's name only: what INFO names is an address.
            Certificate = pki.ClientCertificate("localhost"), PublicKey = broker.PublicKey,
        };
        broker.ConnectUrls = [$"127.0.0.1:{other.Port}"];
        var network = WithToken();
        network.Urls = [$"nats://localhost:{broker.Port}"];
        var connection = Connect(network);
        await connection.PingAsync(Token);

        broker.Stop();

        await Readiness.UntilAsync(_ => Task.FromResult(!other.Logins.IsEmpty), "a login at the other broker", Token);
        await connection.PingAsync(Token);
        Assert.Empty(other.Refusals);
    }

    [Fact]
    public async Task Connect_SpeaksTlsFirst_WhereTheBrokerWantsIt()
    {
        broker.TlsFirst = true;
        var network = WithToken();
        network.TlsFirst = true;

        await Connect(network).PingAsync(Token);

        Assert.Single(broker.Logins);
    }

    [Fact]
    public async Task Connect_SendsNoToken_WithAClientCertificateWhereThereIsNoNonce()
    {
        broker.OffersNonce = false;
        broker.PublicKey = null;
        var network = WithToken();
        var client = pki.ClientCertificate("eu.controlplane.mcollective");
        (network.CertificateFile, network.KeyFile) = (client.CertificatePath, client.KeyPath);

        await Connect(network).PingAsync(Token);

        Assert.False(Assert.Single(broker.Logins).TryGetProperty("auth_token", out _));
    }

    [Theory]
    [InlineData("broker.example.net", "not for '127.0.0.1'")]
    [InlineData(null, "leads to none of the CAs")]
    public async Task Connect_IsNotMade_ToABrokerWhoseCertificateIsWrong(string? name, string reason)
    {
        using var foreign = TestPki.Create(name: "somebody else's CA");
        broker.Certificate = name is null ? foreign.ServerCertificate("broker") : pki.ClientCertificate(name);
        _ = Connect(WithToken()).ConnectAsync().AsTask();

        Assert.Contains(reason, await FaultAsync(), StringComparison.Ordinal);
        Assert.Empty(broker.Logins);
    }

    [Fact]
    public async Task Connect_IsNotMade_WhenSomethingWasSaidInTheClear()
    {
        broker.Injected = "PING\r\n";
        _ = Connect(WithToken()).ConnectAsync().AsTask();

        Assert.Contains("in the clear", await FaultAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_GoesOnForAsLongAsItIsRefused_AndReadsThePasswordAgain()
    {
        (broker.PublicKey, broker.Password) = (null, "right");
        var network = Network();
        (network.User, network.PasswordFile) = ("controlplane", Write("password", "wrong"));
        var connection = Connect(network);
        _ = connection.ConnectAsync().AsTask();
        await Readiness.UntilAsync(_ => Task.FromResult(broker.Refusals.Count > 2), "three refusals", Token);
        Assert.Contains("PasswordFile", await FaultAsync(), StringComparison.Ordinal);

        Write("password", "right");

        await connection.PingAsync(Token);
        Assert.Empty(connections!.FaultsOf(Overlay));
    }

    /// <summary>A password that is wrong for a night is a line for each ten minutes, and not a stack trace for each try.</summary>
    [Fact]
    public async Task Connect_SaysInOneLineWhyItIsRefused_AndThenAtABoundedPace()
    {
        (broker.PublicKey, broker.Password) = (null, "right");
        var network = Network();
        (network.User, network.PasswordFile) = ("controlplane", Write("password", "wrong"));
        var connection = Connect(network);
        _ = connection.ConnectAsync().AsTask();
        await RefusedTimesAsync(4);

        var first = Assert.Single(log.Lines);
        Assert.Contains("Warning ControlPlane.Adapters.Fleet.Brokers.BrokerConnector: Not connected", first, StringComparison.Ordinal);
        Assert.Contains("PasswordFile", first, StringComparison.Ordinal);

        time.Advance(TimeSpan.FromMinutes(10));
        await RefusedTimesAsync(7);

        Assert.Equal(2, log.Lines.Count);
        Assert.Contains("for 00:10:00", log.Lines.Last(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", log.ToString(), StringComparison.Ordinal);

        Write("password", "right");
        await connection.PingAsync(Token);
        Assert.Contains(log.Lines.Skip(2), line => line.Contains("Connected to the network", StringComparison.Ordinal));
    }

    /// <summary>Of two brokers each has its reason, and each try meets the other one.</summary>
    [Fact]
    public async Task Connect_SaysEachReasonOnce_WhenTheyAlternate()
    {
        (broker.PublicKey, broker.Password) = (null, "right");
        var network = Network();
        network.Urls = [broker.Url, $"nats://127.0.0.1:{LoopbackPort.Free()}"];
        (network.User, network.PasswordFile) = ("controlplane", Write("password", "wrong"));
        _ = Connect(network).ConnectAsync().AsTask();
        await RefusedTimesAsync(4);

        Assert.Equal(2, log.Lines.Count);
    }

    [Fact]
    public async Task Connect_IsNotMade_WhereTheBrokerDoesNotPermitWhatTheSiloNeeds()
    {
        broker.UserInformation = UserInformation(publish: ["$JS.API.STREAM.INFO.*", "controlplane.eu-1.>"]);
        _ = Connect(WithToken()).ConnectAsync().AsTask();

        var fault = await FaultAsync();

        Assert.Contains("$JS.API.STREAM.CREATE.controlplane_eu-1_state", fault, StringComparison.Ordinal);
        Assert.Contains("orleans.eu-1.fleet.state.>", fault, StringComparison.Ordinal);
        Assert.DoesNotContain("controlplane.eu-1.state.>", fault, StringComparison.Ordinal);

        // Nothing was tried out: the broker's log has no violation.
        Assert.All(broker.Heard, line => Assert.True(
            line.Contains(".login", StringComparison.Ordinal) || line.StartsWith("UNSUB", StringComparison.Ordinal), line));
    }

    [Fact]
    public async Task Connect_IsMade_WithTheLeastRightsThatTheGuideNames()
    {
        broker.UserInformation = UserInformation(
            publish:
            [
                "$SYS.REQ.USER.INFO", "controlplane.eu-1.>", "orleans.eu-1.>", "$JS.API.STREAM.CREATE.*", "*.node.>", "*.broadcast.agent.>",
                "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.MSG.GET.*",
                "$JS.API.STREAM.MSG.DELETE.*", "$JS.API.CONSUMER.CREATE.*", "$JS.API.CONSUMER.CREATE.*.>", "$JS.API.CONSUMER.DELETE.*.*",
                "$JS.API.CONSUMER.NAMES.*", "$JS.API.CONSUMER.INFO.*.*", "$JS.API.CONSUMER.MSG.NEXT.*.*", "$JS.ACK.>",
            ]);

        await Connect(WithToken()).PingAsync(Token);

        Assert.Empty(connections!.MissingOf(Overlay));
    }

    [Fact]
    public async Task Connect_SpeaksTlsWithARealServer_AndCarriesMessages()
    {
        await using var server = await NatsServer.StartAsync(
            new NatsServerSettings
            {
                Tls = new NatsServerTls(broker.Certificate!.CertificatePath, broker.Certificate.KeyPath, pki.AuthorityPath),
                Configuration = "authorization { user: controlplane, password: s3cret }",
            },
            Token);
        var client = pki.ClientCertificate("controlplane");
        var network = Network();
        network.Urls = [server.Url];
        (network.User, network.PasswordFile) = ("controlplane", Write("password", "s3cret\n"));
        (network.CertificateFile, network.KeyFile) = (client.CertificatePath, client.KeyPath);
        var connection = Connect(network);
        await connection.PingAsync(Token);
        await using var subscription = await connection.SubscribeCoreAsync<byte[]>("a.>", cancellationToken: Token);

        await ServesAsync();
        await server.RestartAsync(Token);
        await ServesAsync();

        async Task ServesAsync()
        {
            var sent = new byte[200_000];
            sent[^1] = 7;
            await connection.PublishAsync("a.b", sent, cancellationToken: Token);
            var received = await subscription.Msgs.ReadAsync(Token);
            Assert.Equal(sent, received.Data);
        }
    }

    /// <summary>Broker and silo get certificates of another CA, so that nothing of before is taken by either.</summary>
    [Fact]
    public async Task CertificatesAndCa_AreRenewed_WithoutARestart()
    {
        var (own, shown) = (broker.Certificate!, pki.ClientCertificate("controlplane"));
        await using var server = await NatsServer.StartAsync(
            new NatsServerSettings { Tls = new NatsServerTls(own.CertificatePath, own.KeyPath, pki.AuthorityPath) }, Token);
        var network = Network();
        network.Urls = [server.Url];
        (network.CertificateFile, network.KeyFile) = (shown.CertificatePath, shown.KeyPath);
        var connection = Connect(network);
        await connection.PingAsync(Token);
        await server.StopAsync();
        using var next = TestPki.Create(name: "the next CA");
        foreach (var (renewed, files) in (IEnumerable<(PkiFiles, PkiFiles)>)[
            (next.ServerCertificate("broker"), own), (next.ClientCertificate("controlplane"), shown)])
        {
            File.Copy(renewed.CertificatePath, files.CertificatePath, overwrite: true);
            File.Copy(renewed.KeyPath, files.KeyPath, overwrite: true);
        }

        File.Copy(next.AuthorityPath, pki.AuthorityPath, overwrite: true);
        await server.RestartAsync(Token);

        await connection.PingAsync(Token);
        Assert.Empty(connections!.FaultsOf(Overlay));
    }

    private NetworkOptions Network() => new() { Urls = [broker.Url], CaFile = pki.AuthorityPath };

    private NetworkOptions WithToken()
    {
        using var issuer = Ed25519Key.Generate();
        var claims = new ClientClaims { CallerId = CallerId, PublicKey = key.PublicKeyHex };
        var network = Network();
        network.TokenFile = Write(
            "token", TokenIssuer.Organization(issuer).Issue(claims, TimeSpan.FromHours(1), TimeProvider.System.GetUtcNow()));
        network.SeedFile = Write("seed", key.ExportSeedHex());
        return network;
    }

    private NatsConnection Connect(NetworkOptions network)
    {
        var fleet = Options.Create(new FleetOptions
        {
            Provisioning = new NetworkOptions { Urls = ["nats://127.0.0.1:1"] },
            Overlays = { [Overlay] = network },
            Caller = CallerId,
        });
        var overlays = Options.Create(
            new OverlaysOptions { Region = "eu", Local = Overlay, Members = { [Overlay] = new OverlayOptions() } });
        using var caller = new RegionCaller(fleet, overlays);
        connections = new FleetConnections(fleet, overlays, caller, time, loggers);
        return connections.Of(Overlay)[0];
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(pki.Folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    private async Task<string> FaultAsync()
    {
        await Readiness.UntilAsync(_ => Task.FromResult(connections!.FaultsOf(Overlay).Any()), "a fault", Token);
        return connections!.FaultsOf(Overlay).First().Reason;
    }

    private Task RefusedTimesAsync(int times) =>
        Readiness.UntilAsync(_ => Task.FromResult(broker.Refusals.Count >= times), $"{times} refusals", Token, log.ToString);

    private static string UserInformation(IReadOnlyList<string> publish) => JsonSerializer.Serialize(new
    {
        data = new
        {
            user = CallerId,
            account = "choria",
            permissions = new
            {
                publish = new { allow = publish },
                subscribe = new { allow = new[] { $"*.reply.{ChoriaSubjects.CallerHash(CallerId)}.>" } },
            },
        },
    });
}
