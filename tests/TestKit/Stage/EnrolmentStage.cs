using System.Net.Http.Headers;
using ControlPlane.Adapters.Choria;
using NATS.NKeys;

namespace ControlPlane.TestKit.Stage;

/// <summary>All that overlays need, as real processes on the loopback: brokers, Redis, and silos; a whole site can be killed.</summary>
public sealed class EnrolmentStage : IAsyncDisposable
{
    public const string Region = "stage";
    public const string Overlay = "overlay-1";

    /// <summary>Who the control plane is to nodes, of both protocols.</summary>
    public const string CallerId = $"choria={StageConfiguration.CallerName}";

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
        IReadOnlyList<RedisServer> redises,
        string issuerPublicKey)
    {
        this.options = options;
        this.folder = folder;
        this.pki = pki;
        Secrets = secrets;
        Brokers = brokers;
        Redises = redises;
        var silos = options.OwnClusters ? options.Overlays : options.Silos;
        var configuration = new StageConfiguration(options, folder, pki, secrets, brokers, issuerPublicKey);
        seats = [.. Enumerable.Range(0, silos).Select(number => SeatOf(number, configuration))];
    }

    public StageSecrets Secrets { get; }

    public StageBrokers Brokers { get; }

    /// <summary>One for each site.</summary>
    public IReadOnlyList<RedisServer> Redises { get; }

    /// <summary>The first site's.</summary>
    public RedisServer Redis => Redises[0];

    /// <summary>The CA that signs brokers, nodes and the control plane, PEM.</summary>
    public string AuthorityPath => pki.AuthorityPath;

    /// <summary>A certificate that the overlay's broker accepts.</summary>
    public PkiFiles ClientCertificate => pki.ClientCertificate("controlplane");

    /// <summary>The first silo that was not killed or stopped; null when none runs.</summary>
    public StageSilo? Silo => seats.Select(seat => seat.Silo).FirstOrDefault(silo => silo is { IsRunning: true });

    /// <summary>What the silos logged last, and how those ended that run no more.</summary>
    public string SiloOutput =>
        string.Join('\n', seats.Select(seat => seat.Silo).OfType<StageSilo>().Select(silo => silo.Output + silo.Ending));

    /// <summary>Where the first silo is configured to serve health and metrics.</summary>
    public Uri HealthUrl => seats[0].Health;

    /// <summary>The silos that are processes, by number; null where none was started.</summary>
    public IReadOnlyList<SiloProcess?> Silos => [.. seats.Select(seat => seat.Silo as SiloProcess)];

    /// <summary>Starts brokers and Redis; not yet the silo.</summary>
    public static async Task<EnrolmentStage> StartAsync(EnrolmentStageOptions options, CancellationToken cancellationToken)
    {
        var folder = options.Folder ?? Directory.CreateTempSubdirectory("controlplane-stage-").FullName;
        var pki = TestPki.Create(Path.Combine(folder, "pki"));
        var secrets = StageSecrets.Make(Path.Combine(folder, "secrets"));
        var issuer = StageTokens.Write(secrets);
        var brokers = options.ChoriaBrokers
            ? await StageBrokers.StartChoriaAsync(
                folder, pki, Access(options, secrets, issuer), options.Overlays, Receptions(options), cancellationToken)
            : await StageBrokers.StartAsync(
                folder,
                pki,
                secrets,
                options.Overlays,
                options.MutualTls,
                cancellationToken,
                Receptions(options),
                options.DecidesLogIns ? MakeCalloutKey(folder) : null);
        var redises = new List<RedisServer>();
        try
        {
            foreach (var site in Enumerable.Range(0, options.OwnClusters ? options.Overlays : 1))
            {
                var place = Path.Combine(folder, site == 0 ? "redis" : $"redis-{site + 1}");
                redises.Add(await RedisServer.StartAsync(
                    new RedisServerSettings { AppendOnly = true, DataFolder = place }, cancellationToken));
            }

            return new EnrolmentStage(options, folder, pki, secrets, brokers, redises, issuer);
        }
        catch
        {
            await Task.WhenAll(redises.Select(redis => redis.DisposeAsync().AsTask()));
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

        seat.Silo = options.StartSiloHere is { } start
            ? await start(seat.Configuration, seat.Api, seat.Health, cancellationToken)
            : await SiloProcess.StartAsync(
                options.SiloProgram, seat.Configuration, seat.Api, seat.Health, onLine, cancellationToken);
        seat.Silo.Api.DefaultRequestHeaders.Authorization =
            options.ApiToken is { } token ? new AuthenticationHeaderValue("Bearer", token) : null;
    }

    /// <summary>Starts every silo, one after the other.</summary>
    public async Task StartSilosAsync(CancellationToken cancellationToken)
    {
        for (var number = 0; number < seats.Count; number++)
        {
            await StartSiloAsync(cancellationToken, number: number);
        }
    }

    /// <summary>Kills every process of a site at once, as when its machines lose power.</summary>
    public Task KillSiteAsync(int site) => Task.WhenAll(
    [
        .. SeatsOf(site).Select(number => seats[number].Silo).OfType<StageSilo>().Select(silo => silo.KillAsync()),
        Redises[site].KillAsync(),
        .. BrokersOf(site).Select(broker => broker.KillAsync()),
    ]);

    /// <summary>Starts a site that was killed, with the data that it had, and waits until its silos are ready.</summary>
    public async Task StartSiteAsync(int site, CancellationToken cancellationToken)
    {
        await Task.WhenAll([
            Redises[site].RestartAsync(cancellationToken),
            .. BrokersOf(site).Select(broker => Brokers.RestartAsync(broker, cancellationToken)),
        ]);
        foreach (var number in SeatsOf(site))
        {
            await StartSiloAsync(cancellationToken, number: number);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in seats.Select(seat => seat.Silo).OfType<StageSilo>())
        {
            await silo.DisposeAsync();
        }

        await Task.WhenAll(Redises.Select(redis => redis.DisposeAsync().AsTask()));
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
        var file = StageConfiguration.CalloutSeedFile(folder);
        File.WriteAllText(file, "");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(file, key.GetSeed());
        return key.GetPublicKey();
    }

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

    private static IReadOnlyList<int> Receptions(EnrolmentStageOptions options) =>
        options.OwnClusters ? options.Receptions ?? [.. Enumerable.Range(0, options.Overlays)] : [0];

    private IReadOnlyList<NatsServer> BrokersOf(int site) => Brokers.Of(options.OwnClusters ? site : null);

    private IEnumerable<int> SeatsOf(int site) => options.OwnClusters ? [site] : Enumerable.Range(0, seats.Count);

    private SiloSeat SeatOf(int number, StageConfiguration configuration)
    {
        var api = new Uri($"http://127.0.0.1:{(number == 0 ? options.ApiPort : null) ?? LoopbackPort.Free()}");
        var health = new Uri($"http://127.0.0.1:{LoopbackPort.Free()}");
        var site = options.OwnClusters ? number : 0;
        var file = Path.Combine(folder, number == 0 ? "controlplane.yaml" : $"controlplane-{number + 1}.yaml");
        File.WriteAllText(file, configuration.Of(site, Redises[site], api, health));
        return new SiloSeat(file, api, health);
    }

    /// <summary>Where a silo runs, whichever that is at the moment.</summary>
    private sealed class SiloSeat(string configuration, Uri api, Uri health)
    {
        public string Configuration => configuration;

        public Uri Api => api;

        public Uri Health => health;

        public StageSilo? Silo { get; set; }
    }
}
