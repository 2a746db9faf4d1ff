using ControlPlane.Adapters.Choria;
using NATS.NKeys;

namespace ControlPlane.TestKit.Stage;

/// <summary>What an <see cref="EnrolmentStage"/> is made of.</summary>
public sealed record EnrolmentStageOptions
{
    /// <summary>The silo's program, <c>controlplane.dll</c>.</summary>
    public required string SiloProgram { get; init; }

    /// <summary>Whether nodes show certificates on the overlay (protocol v1 only), or tokens and passwords.</summary>
    public bool MutualTls { get; init; } = true;

    /// <summary>
    /// Whether the silos decide who may log in to the brokers, with the configurations of <c>infra/nats/access</c>. False by default: users
    /// and passwords.
    /// </summary>
    public bool DecidesLogIns { get; init; }

    /// <summary>
    /// Whether each overlay has a broker that is as strict as Choria's, for nodes of the one protocol that <see cref="MutualTls"/> says;
    /// nodes come in by it as well. False by default: stock nats-servers with the configurations of <c>infra/nats</c>.
    /// </summary>
    public bool ChoriaBrokers { get; init; }

    /// <summary>What protocol v2 nodes are given.</summary>
    public string V2Credentials { get; init; } = "ServerToken";

    /// <summary>Where everything is kept. A temporary folder that is removed on dispose by default.</summary>
    public string? Folder { get; init; }

    /// <summary>The port of the first silo's HTTP API; a free one by default.</summary>
    public int? ApiPort { get; init; }

    /// <summary>How many silos share the work, each a process of its own. 1 to 9; 1 by default.</summary>
    public int Silos { get; init; } = 1;

    /// <summary>
    /// How many overlays the silo serves, each with a network of its own: <c>overlay-1</c> and so on. 1 to 6; 1 by default.
    /// </summary>
    public int Overlays { get; init; } = 1;

    /// <summary>
    /// Whether each overlay is a cluster of its own: one silo, a Redis database and a provisioning network each. The first is the region's
    /// home. False by default: all silos are of the first overlay.
    /// </summary>
    public bool OwnClusters { get; init; }

    /// <summary>How many nodes an overlay takes; what the control plane's own default is when not given.</summary>
    public int? HardLimit { get; init; }

    /// <summary>How often nodes register what they are; null, the default, when they do not.</summary>
    public TimeSpan? RegistrationInterval { get; init; }

    /// <summary>The folder in which silos write what they were asked to change, as <c>history-N.jsonl</c>; none when null.</summary>
    public string? HistoryFolder { get; init; }

    /// <summary>How long the nodes' certificates live; the profile's own default when not given.</summary>
    public TimeSpan? CertificateLifetime { get; init; }

    /// <summary>More lines of the silo's configuration, YAML at the top level; they may not repeat a section.</summary>
    public string MoreConfiguration { get; init; } = "";

    /// <summary>More settings of the section <c>Provisioning</c>, YAML indented by two.</summary>
    public string MoreProvisioning { get; init; } = "";
}

/// <summary>All that an overlay needs, as real processes on the loopback: two brokers, Redis, and a silo that can be killed.</summary>
public sealed class EnrolmentStage : IAsyncDisposable
{
    public const string Region = "stage";
    public const string Overlay = "overlay-1";

    /// <summary>Who the control plane is to nodes, of both protocols.</summary>
    public const string CallerId = $"choria={CallerName}";

    private const string CallerName = $"{Overlay}.controlplane.mcollective";

    private readonly EnrolmentStageOptions options;
    private readonly string folder;
    private readonly TestPki pki;
    private readonly IReadOnlyList<SiloSeat> seats;

    private EnrolmentStage(
        EnrolmentStageOptions options,
        string folder,
        TestPki pki,
        StageSecrets secrets,
        StageBrokers brokers,
        RedisServer redis,
        string issuerPublicKey)
    {
        this.options = options;
        this.folder = folder;
        this.pki = pki;
        Secrets = secrets;
        Brokers = brokers;
        Redis = redis;
        var silos = options.OwnClusters ? options.Overlays : options.Silos;
        seats = [.. Enumerable.Range(0, silos).Select(number => SeatOf(number, issuerPublicKey))];
    }

    public StageSecrets Secrets { get; }

    public StageBrokers Brokers { get; }

    public RedisServer Redis { get; }

    /// <summary>The CA that signs brokers, nodes and the control plane, PEM.</summary>
    public string AuthorityPath => pki.AuthorityPath;

    /// <summary>A certificate that the overlay's broker accepts.</summary>
    public PkiFiles ClientCertificate => pki.ClientCertificate("controlplane");

    /// <summary>The first silo that was not killed or stopped; null when none runs.</summary>
    public SiloProcess? Silo => Silos.FirstOrDefault(silo => silo is { IsRunning: true });

    /// <summary>What the silos logged last, and how those ended that run no more.</summary>
    public string SiloOutput => string.Join('\n', Silos.OfType<SiloProcess>().Select(silo => silo.Output + silo.Ending));

    /// <summary>Where the first silo is configured to serve health and metrics.</summary>
    public Uri HealthUrl => seats[0].Health;

    /// <summary>The silos by number; null where none was started.</summary>
    public IReadOnlyList<SiloProcess?> Silos => [.. seats.Select(seat => seat.Silo)];

    /// <summary>Starts brokers and Redis; not yet the silo.</summary>
    public static async Task<EnrolmentStage> StartAsync(EnrolmentStageOptions options, CancellationToken cancellationToken)
    {
        var folder = options.Folder ?? Directory.CreateTempSubdirectory("controlplane-stage-").FullName;
        var pki = TestPki.Create(Path.Combine(folder, "pki"));
        var secrets = StageSecrets.Make(Path.Combine(folder, "secrets"));
        var issuer = StageTokens.Write(secrets);
        var brokers = options.ChoriaBrokers
            ? await StageBrokers.StartChoriaAsync(folder, pki, Access(options, secrets, issuer), options.Overlays, cancellationToken)
            : await StageBrokers.StartAsync(
                folder,
                pki,
                secrets,
                options.Overlays,
                options.MutualTls,
                cancellationToken,
                options.OwnClusters ? options.Overlays : 1,
                options.DecidesLogIns ? MakeCalloutKey(folder) : null);
        try
        {
            var redis = await RedisServer.StartAsync(
                new RedisServerSettings { AppendOnly = true, DataFolder = Path.Combine(folder, "redis") }, cancellationToken);
            return new EnrolmentStage(options, folder, pki, secrets, brokers, redis, issuer);
        }
        catch
        {
            await brokers.DisposeAsync();
            pki.Dispose();
            throw;
        }
    }

    /// <summary>Starts a silo, again if it was killed, and waits until it is ready.</summary>
    public async Task StartSiloAsync(CancellationToken cancellationToken, Action<string>? onLine = null, int number = 0)
    {
        var seat = seats[number];
        if (seat.Silo is not null)
        {
            await seat.Silo.DisposeAsync();
        }

        seat.Silo = await SiloProcess.StartAsync(
            options.SiloProgram, seat.Configuration, seat.Api, seat.Health, onLine, cancellationToken);
    }

    /// <summary>Starts every silo, one after the other.</summary>
    public async Task StartSilosAsync(CancellationToken cancellationToken)
    {
        for (var number = 0; number < seats.Count; number++)
        {
            await StartSiloAsync(cancellationToken, number: number);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in Silos.OfType<SiloProcess>())
        {
            await silo.DisposeAsync();
        }

        await Redis.DisposeAsync();
        await Brokers.DisposeAsync();
        pki.Dispose();
        if (options.Folder is null)
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The name of an overlay, by its number from 0.</summary>
    public static string NameOf(int number) => $"overlay-{number + 1}";

    /// <summary>Keeps the key that signs the answers to the brokers.</summary>
    /// <returns>Its public half.</returns>
    private static string MakeCalloutKey(string folder)
    {
        using var key = KeyPair.CreatePair(PrefixByte.Account);
        var file = CalloutSeedFile(folder);
        File.WriteAllText(file, "");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(file, key.GetSeed());
        return key.GetPublicKey();
    }

    private static string CalloutSeedFile(string folder) => Path.Combine(folder, "callout.nk");

    private string Access(PkiFiles client) => !options.DecidesLogIns ? "" : $"""
            Access:
              Brokers:
                IssuerSeedFile: {CalloutSeedFile(folder)}
                Networks:
            {string.Concat(Brokers.Provisionings.Concat(Brokers.Overlays).Select((broker, number) => $"""
                  network-{number}:
                    Urls: [ "{broker.Url}" ]
                    User: access
                    PasswordFile: {Secrets.ControlPlanePasswordFile}
                    CaFile: {pki.AuthorityPath}
                    CertificateFile: {client.CertificatePath}
                    KeyFile: {client.KeyPath}

            """))}
            """;

    private static BrokerSettings Access(EnrolmentStageOptions options, StageSecrets secrets, string issuer)
    {
        var access = new BrokerSettings
        {
            ProvisionerPassword = File.ReadAllText(secrets.ProvisionerPasswordFile), Leniency = BrokerLeniency.OfChoria,
        };
        return options.MutualTls
            ? access with
            {
                VerifiesCertificates = true, ProvisioningSigner = IssuerKey.FromRsaPem(File.ReadAllText(secrets.SignerPublicFile)),
            }
            : access with
            {
                Issuers = new Dictionary<string, IssuerKey> { [TokenClaims.DefaultOrganization] = IssuerKey.FromEd25519Hex(issuer) },
            };
    }

    private string Member(string name, NatsServer broker) => $"""
                {name}:
                  Brokers: [ "{broker.Url}" ]
                  Collectives: [ choria ]
                  CertificateProfile: node
            {(options.HardLimit is { } limit ? $"""
                  HardLimit: {limit}
                  SoftLimit: {limit}
            """ : "")}
                  Configuration:
                    loglevel: info
            {(options.MutualTls || options.DecidesLogIns || options.ChoriaBrokers ? "" : $"""
                    plugin.nats.user: node
                    plugin.nats.pass: {File.ReadAllText(Secrets.NodePasswordFile)}
            """)}
            {(options.RegistrationInterval is { } interval ? $"""
                    registration: inventory_content
                    registerinterval: {interval.TotalSeconds:0}
            """ : "")}

            """;

    private string Network(string name, NatsServer broker, PkiFiles client) => $"""
                {name}:
                  Urls: [ "{broker.Url}" ]
            {(options.ChoriaBrokers ? "" : $"""
                  User: controlplane
                  PasswordFile: {Secrets.ControlPlanePasswordFile}
            """)}
            {LogIn("      ", client, Secrets.CallerTokenFile, Secrets.CallerSeedFile)}
                  CreateStream: true
            {(options.RegistrationInterval is null ? "" : $"""
                  RegistrationStreamName: CHORIA_REGISTRATION
                  NodeCaFile: {pki.AuthorityPath}
            """)}

            """;

    // A token beside a certificate would be judged alone by a broker of v1, and refused.
    private string LogIn(string indent, PkiFiles client, string tokenFile, string seedFile)
    {
        string[] lines = options is { ChoriaBrokers: true, MutualTls: false }
            ? [$"TokenFile: {tokenFile}", $"SeedFile: {seedFile}"]
            : [$"CertificateFile: {client.CertificatePath}", $"KeyFile: {client.KeyPath}"];
        return string.Join('\n', lines.Prepend($"CaFile: {pki.AuthorityPath}").Select(line => indent + line));
    }

    private SiloSeat SeatOf(int number, string issuerPublicKey)
    {
        var api = new Uri($"http://127.0.0.1:{(number == 0 ? options.ApiPort : null) ?? LoopbackPort.Free()}");
        var health = new Uri($"http://127.0.0.1:{LoopbackPort.Free()}");
        var configuration = Path.Combine(folder, number == 0 ? "controlplane.yaml" : $"controlplane-{number + 1}.yaml");
        var history = options.HistoryFolder is { } place ? $"History:\n  File: {Path.Combine(place, $"history-{number + 1}.jsonl")}\n" : "";
        File.WriteAllText(configuration, Configuration(api, health, issuerPublicKey, options.OwnClusters ? number : 0) + "\n" + history);
        return new SiloSeat(configuration, api, health);
    }

    private string Configuration(Uri api, Uri health, string issuerPublicKey, int cluster)
    {
        var client = pki.ClientCertificate("controlplane");

        // Nodes of protocol v1 accept callers that their CA signed, by an RSA key.
        var caller = pki.CallerCertificate(CallerName);
        return $"""
            Silo:
              Port: {LoopbackPort.Free()}
            Redis:
              Endpoints: [ "127.0.0.1:{Redis.Port}" ]
              Database: {cluster}
            Api:
              Listen: [ "{api.ToString().TrimEnd('/')}" ]
            Health:
              Listen: [ "{health.ToString().TrimEnd('/')}" ]
            Overlays:
              Region: {Region}
              Local: {NameOf(cluster)}
              Leader: {Overlay}
              Members:
            {string.Concat(Brokers.Overlays.Select((broker, number) => Member(NameOf(number), broker)))}
            Certificates:
              SharedKeys: true
              Profiles:
                node:
                  Issuers: [ local ]
            {(options.CertificateLifetime is { } life ? $"      Lifetime: {life}" : "")}
            LocalCa:
              local:
                DataFolder: {folder}/ca
                CertificatePath: {pki.AuthorityPath}
                KeyPath: {Path.ChangeExtension(pki.AuthorityPath, ".key")}
            Provisioning:
              V2Credentials: {options.V2Credentials}
              Issuers:
                choria: {issuerPublicKey}
            {options.MoreProvisioning}
            Fleet:
              SharedSecretFile: {Secrets.SharedSecretFile}
              ProvisioningTokenSignerFiles: [ {Secrets.SignerPublicFile} ]
              ServerTokenSeedFile: {Secrets.ChainSeedFile}
              ServerTokenIssuerTokenFile: {Secrets.ChainTokenFile}
              Provisioning:
                Urls: [ "{Brokers.Provisionings[cluster].Url}" ]
                User: provisioner
                PasswordFile: {Secrets.ProvisionerPasswordFile}
            {LogIn("    ", client, Secrets.ChainTokenFile, Secrets.ChainSeedFile)}
                Connections: 2
                {(options.ChoriaBrokers ? "StreamName: \"\"" : "CreateStream: true")}
              Caller: {CallerId}
              CallerProof:
                TokenFile: {Secrets.CallerTokenFile}
                SeedFile: {Secrets.CallerSeedFile}
                CertificateFile: {caller.CertificatePath}
                KeyFile: {caller.KeyPath}
              Overlays:
            {string.Concat(Brokers.Overlays.Select((broker, number) => Network(NameOf(number), broker, client)))}
            {Access(client)}
            {options.MoreConfiguration}
            """;
    }

    /// <summary>Where a silo runs, whichever process that is at the moment.</summary>
    private sealed class SiloSeat(string configuration, Uri api, Uri health)
    {
        public string Configuration => configuration;

        public Uri Api => api;

        public Uri Health => health;

        public SiloProcess? Silo { get; set; }
    }
}
