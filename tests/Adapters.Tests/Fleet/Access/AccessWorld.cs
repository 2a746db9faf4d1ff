using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Threading.Channels;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Access;
using ControlPlane.Adapters.Nats.Callout;
using ControlPlane.Adapters.Tests.Infra;
using ControlPlane.Fleet;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging;
using NATS.NKeys;

namespace ControlPlane.Adapters.Tests.Fleet.Access;

/// <summary>
/// Both networks on real nats-servers with the configurations of <c>infra/nats/access</c>, and a silo's part that decides their log-ins.
/// How nodes stand is said by the test.
/// </summary>
internal sealed class AccessWorld : IAsyncDisposable
{
    private const string Password = "password";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("controlplane-access-");
    private readonly Channel<FeedRead> _changes = Channel.CreateUnbounded<FeedRead>();
    private readonly FleetParts _parts = new();
    private readonly KeptLog _log = new();
    private readonly ILoggerFactory _loggers;
    private readonly NodeSessions _sessions = new();
    private readonly LogInMeter _meter;
    private BrokerAccess? _access;

    private AccessWorld()
    {
        _meter = new LogInMeter(_sessions);
        _loggers = LoggerFactory.Create(logging => logging.AddProvider(_log).SetMinimumLevel(LogLevel.Trace));
    }

    public TestPki Pki { get; } = TestPki.Create();

    public NatsServer Provisioning { get; private set; } = null!;

    public NatsServer Overlay { get; private set; } = null!;

    /// <summary>What a node's grain says of a key; unknown what is not here. A null node does not answer.</summary>
    public ConcurrentDictionary<(string Identity, string Key), KeyStatus> Standings { get; } = [];

    public bool StateIsAway { get; set; }

    public string Log => _log.Text;

    /// <summary>How many connections of nodes are known.</summary>
    public int Known => _sessions.Count;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<AccessWorld> StartAsync(
        string? program = null, bool v1 = false, bool admitUnknown = false, string? identityClaim = null)
    {
        var world = new AccessWorld();
        using var issuer = KeyPair.CreatePair(PrefixByte.Account);
        world.Provisioning = await world.StartAsync(program, "provisioning.conf", issuer.GetPublicKey());
        world.Overlay = await world.StartAsync(program, v1 ? "overlay-v1.conf" : "overlay-v2.conf", issuer.GetPublicKey());
        await world.StartSiloAsync(issuer.GetSeed(), admitUnknown, identityClaim);
        return world;
    }

    /// <summary>Who connects as agents of unprovisioned nodes do.</summary>
    public Task<AgentConnection> UnprovisionedAsync(string name, string? forIdentity = null) =>
        AgentConnection.OpenAsync(Provisioning.Port, new { auth_token = ProvisioningToken(forIdentity), name }, Token);

    /// <summary>Who connects as agents of nodes with a server token do.</summary>
    public Task<AgentConnection> NodeAsync(string identity, Ed25519Key key, Ed25519Key? signsNonce = null) =>
        AgentConnection.OpenAsync(
            Overlay.Port,
            nonce => new
            {
                auth_token = ServerToken(identity, key),
                sig = NatsNonce.Sign(signsNonce ?? key, nonce ?? ""),
                name = identity,
            },
            Token);

    /// <summary>Who connects with a certificate.</summary>
    /// <param name="name">Who it is.</param>
    /// <param name="sentName">What CONNECT says.</param>
    /// <param name="isIssued">Whether it has a certificate already; else it gets a new one.</param>
    public async Task<AgentConnection> HolderAsync(string name, string? sentName = null, bool isIssued = false)
    {
        var files = isIssued
            ? new PkiFiles(Path.Combine(Pki.Folder, $"{name}.pem"), Path.Combine(Pki.Folder, $"{name}.key"))
            : Pki.ClientCertificate(name);
        using var certificate = X509Certificate2.CreateFromPemFile(files.CertificatePath, files.KeyPath);
        return await AgentConnection.OpenAsync(Overlay.Port, new { name = sentName ?? name }, Token, certificate);
    }

    public string FingerprintOf(string name)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(Pki.Folder, $"{name}.pem"));
        return Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
    }

    /// <summary>The feed tells that something about a node changed.</summary>
    public void Change(string identity) => _changes.Writer.TryWrite(new FeedRead.Changes(
        [new ChangeBatch(1, [new NodeChange(new RosterEntry(identity, NodeStage.Enrolled, null, null, default, null), null)])], 1));

    public Task UntilAsync(Func<bool> condition, string what) =>
        Readiness.UntilAsync(_ => Task.FromResult(condition()), what, Token, () => Log);

    public async ValueTask DisposeAsync()
    {
        if (_access is not null)
        {
            await _access.StopAsync(CancellationToken.None);
            _access.Dispose();
        }

        await Provisioning.DisposeAsync();
        await Overlay.DisposeAsync();
        await _parts.DisposeAsync();
        _meter.Dispose();
        _loggers.Dispose();
        _log.Dispose();
        Pki.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task<NatsServer> StartAsync(string? program, string configuration, string issuer)
    {
        var place = _folder.CreateSubdirectory(configuration).FullName;
        var file = Path.Combine(place, configuration);
        File.Copy(Path.Combine(AppContext.BaseDirectory, "infra/nats/access", configuration), file);
        var broker = Pki.ServerCertificate("broker");
        var site = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["SERVER_NAME"] = configuration,
            ["TLS_CERTIFICATE"] = broker.CertificatePath,
            ["TLS_KEY"] = broker.KeyPath,
            ["ACCESS_PASSWORD"] = Password,
            ["CALLOUT_ISSUER"] = issuer,
            [configuration == "provisioning.conf" ? "PROVISIONING_STORE" : "OVERLAY_STORE"] = Path.Combine(place, "store"),
            [configuration == "provisioning.conf" ? "PROVISIONER_PASSWORD" : "CONTROLPLANE_PASSWORD"] = Password,
        };
        if (configuration == "overlay-v1.conf")
        {
            site["NODE_CA"] = Pki.AuthorityPath;
        }

        await File.WriteAllLinesAsync(Path.Combine(place, "site.conf"), site.Select(value => $"{value.Key}: \"{value.Value}\""), Token);
        return await NatsServer.StartAsync(
            new NatsServerSettings { Program = program ?? NatsPrograms.WithAuthCallout, ConfigurationFile = file }, Token);
    }

    private async Task StartSiloAsync(string issuerSeed, bool admitUnknown, string? identityClaim)
    {
        var own = Pki.ClientCertificate("controlplane");
        var seed = Path.Combine(_folder.FullName, "issuer.nk");
        var password = Path.Combine(_folder.FullName, "password");
        await File.WriteAllTextAsync(seed, issuerSeed, Token);
        await File.WriteAllTextAsync(password, Password, Token);
        var options = new AccessBrokersOptions
        {
            IssuerSeedFile = seed,
            AdmitUnknownNodes = admitUnknown,
            DecisionTimeout = TimeSpan.FromSeconds(1),
            Networks = new[] { Provisioning, Overlay }.ToDictionary(server => $"{server.Port}", server => new BrokerLoginOptions
            {
                Urls = [server.Url],
                User = "access",
                PasswordFile = password,
                CaFile = Pki.AuthorityPath,
                CertificateFile = own.CertificatePath,
                KeyFile = own.KeyPath,
            }),
        };
        _access = new BrokerAccess(
            Microsoft.Extensions.Options.Options.Create(options),
            Microsoft.Extensions.Options.Options.Create(_parts.Options),
            _parts.Provisioning,
            Microsoft.Extensions.Options.Options.Create(new NodeProofOptions { IdentityClaim = identityClaim }),
            _sessions,
            _meter,
            new NodeReports(StandingNodes.Of((identity, key) => StateIsAway ? new TaskCompletionSource<KeyStatus>().Task
                : Task.FromResult(Standings.GetValueOrDefault((identity, key))))),
            new Feed(_changes.Reader),
            TimeProvider.System,
            new Loops(TimeProvider.System, _loggers.CreateLogger<Loops>()),
            _loggers);
        await _access.StartAsync(Token);

        // A log-in that nobody hears of is refused after a minute.
        foreach (var server in new[] { Provisioning, Overlay })
        {
            await Readiness.UntilAsync(_ => IsHeardAsync(server), "who answers the brokers", Token, () => _log.Text);
        }
    }

    private string ProvisioningToken(string? identity) => TokenIssuer.Organization(_parts.Issuer).Issue(
        new ProvisioningClaims
        {
            Secret = FleetParts.Secret,
            Urls = Provisioning.Url,
            ProtocolV2 = true,
            OrganizationUnit = TokenClaims.DefaultOrganization,
            Extensions = JsonSerializer.SerializeToElement(new { identity }),
        },
        TimeSpan.FromHours(1),
        TimeProvider.System.GetUtcNow());

    private string ServerToken(string identity, Ed25519Key key) => TokenIssuer.Organization(_parts.Issuer).Issue(
        new ServerClaims
        {
            Identity = identity,
            Collectives = ["choria"],
            PublicKey = key.PublicKeyHex,
            OrganizationUnit = TokenClaims.DefaultOrganization,
        },
        TimeSpan.FromHours(1),
        TimeProvider.System.GetUtcNow());

    private static async Task<bool> IsHeardAsync(NatsServer server)
    {
        using var http = new HttpClient();
        var subscriptions = await http.GetStringAsync(new Uri($"http://127.0.0.1:{server.MonitorPort}/subsz?subs=1&acc=system"), Token);
        return subscriptions.Contains(AuthorizationRequest.Subject, StringComparison.Ordinal)
            && subscriptions.Contains(BrokerMonitor.Events, StringComparison.Ordinal);
    }

    private sealed class Feed(ChannelReader<FeedRead> reads) : INodeChangeFeed
    {
        public ValueTask<FeedRead> ReadAsync(ulong? after, int batchesMax, CancellationToken cancellationToken) =>
            reads.ReadAsync(cancellationToken);
    }
}
