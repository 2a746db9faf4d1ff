namespace ControlPlane.TestKit.Stage;

/// <summary>What an <see cref="EnrolmentStage"/> is made of.</summary>
public sealed record EnrolmentStageOptions
{
    /// <summary>The silo's program, <c>controlplane.dll</c>.</summary>
    public required string SiloProgram { get; init; }

    /// <summary>Whether nodes show certificates on the overlay (protocol v1 only), or tokens and passwords.</summary>
    public bool MutualTls { get; init; } = true;

    /// <summary>What protocol v2 nodes are given.</summary>
    public string V2Credentials { get; init; } = "ServerToken";

    /// <summary>Where everything is kept. A temporary folder that is removed on dispose by default.</summary>
    public string? Folder { get; init; }

    /// <summary>The port of the HTTP API; a free one by default.</summary>
    public int? ApiPort { get; init; }

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

    private readonly EnrolmentStageOptions options;
    private readonly string folder;
    private readonly TestPki pki;
    private readonly string configuration;
    private readonly Uri api;

    private EnrolmentStage(
        EnrolmentStageOptions options, string folder, TestPki pki, StageSecrets secrets, StageBrokers brokers, RedisServer redis, string issuerPublicKey)
    {
        this.options = options;
        this.folder = folder;
        this.pki = pki;
        Secrets = secrets;
        Brokers = brokers;
        Redis = redis;
        api = new Uri($"http://127.0.0.1:{options.ApiPort ?? LoopbackPort.Free()}");
        configuration = Path.Combine(folder, "controlplane.yaml");
        File.WriteAllText(configuration, Configuration(issuerPublicKey));
    }

    public StageSecrets Secrets { get; }

    public StageBrokers Brokers { get; }

    public RedisServer Redis { get; }

    /// <summary>The silo that runs; null before <see cref="StartSiloAsync"/>.</summary>
    public SiloProcess? Silo { get; private set; }

    /// <summary>Starts brokers and Redis; not yet the silo.</summary>
    /// <param name="options">What it is made of.</param>
    /// <param name="publicKeyOf">Makes the hexadecimal Ed25519 public key of a hexadecimal seed.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static async Task<EnrolmentStage> StartAsync(
        EnrolmentStageOptions options, Func<string, string> publicKeyOf, CancellationToken cancellationToken)
    {
        var folder = options.Folder ?? Directory.CreateTempSubdirectory("controlplane-stage-").FullName;
        var pki = TestPki.Create(Path.Combine(folder, "pki"));
        var secrets = StageSecrets.Make(Path.Combine(folder, "secrets"));
        var brokers = await StageBrokers.StartAsync(folder, pki, secrets, options.MutualTls, cancellationToken);
        try
        {
            var redis = await RedisServer.StartAsync(
                new RedisServerSettings { AppendOnly = true, DataFolder = Path.Combine(folder, "redis") }, cancellationToken);
            return new EnrolmentStage(
                options, folder, pki, secrets, brokers, redis, publicKeyOf(await File.ReadAllTextAsync(secrets.IssuerSeedFile, cancellationToken)));
        }
        catch
        {
            await brokers.DisposeAsync();
            pki.Dispose();
            throw;
        }
    }

    /// <summary>Starts the silo, again if it was killed, and waits until it is ready.</summary>
    public async Task StartSiloAsync(CancellationToken cancellationToken, Action<string>? onLine = null)
    {
        if (Silo is not null)
        {
            await Silo.DisposeAsync();
        }

        Silo = await SiloProcess.StartAsync(options.SiloProgram, configuration, api, onLine, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (Silo is not null)
        {
            await Silo.DisposeAsync();
        }

        await Redis.DisposeAsync();
        await Brokers.DisposeAsync();
        pki.Dispose();
        if (options.Folder is null)
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private string Configuration(string issuerPublicKey)
    {
        var client = pki.ClientCertificate("controlplane");
        return $"""
            Silo:
              Port: {LoopbackPort.Free()}
            Redis:
              Endpoints: [ "127.0.0.1:{Redis.Port}" ]
            Api:
              Listen: [ "{api.ToString().TrimEnd('/')}" ]
            Overlays:
              Region: {Region}
              Local: {Overlay}
              Members:
                {Overlay}:
                  Brokers: [ "{Brokers.Overlay.Url}" ]
                  Collectives: [ choria ]
                  CertificateProfile: node
                  Configuration:
                    loglevel: info
            {(options.MutualTls ? "" : $"""
                    plugin.nats.user: node
                    plugin.nats.pass: {File.ReadAllText(Secrets.NodePasswordFile)}
            """)}
            Certificates:
              Profiles:
                node:
                  Issuers: [ local ]
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
              ServerTokenSeedFile: {Secrets.IssuerSeedFile}
              Provisioning:
                Urls: [ "{Brokers.Provisioning.Url}" ]
                User: provisioner
                PasswordFile: {Secrets.ProvisionerPasswordFile}
                CaFile: {pki.AuthorityPath}
                Connections: 2
                CreateStream: true
              Overlays:
                {Overlay}:
                  Urls: [ "{Brokers.Overlay.Url}" ]
                  User: controlplane
                  PasswordFile: {Secrets.ControlPlanePasswordFile}
                  CaFile: {pki.AuthorityPath}
                  CertificateFile: {client.CertificatePath}
                  KeyFile: {client.KeyPath}
                  CreateStream: true
            {options.MoreConfiguration}
            """;
    }
}
