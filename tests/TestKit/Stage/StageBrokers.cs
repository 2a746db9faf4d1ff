using ControlPlane.Adapters.Choria;

namespace ControlPlane.TestKit.Stage;

/// <summary>
/// The provisioning network and those of the overlays on real nats-servers: with the configurations of <c>infra/nats</c>, or as one Choria
/// broker for each overlay, which carries both.
/// </summary>
public sealed class StageBrokers : IAsyncDisposable
{
    private readonly IReadOnlyDictionary<int, NatsServer> provisionings;
    private readonly IReadOnlyList<ChoriaBroker> brokers;

    private StageBrokers(
        IReadOnlyDictionary<int, NatsServer> provisionings, IReadOnlyList<NatsServer> overlays, IReadOnlyList<ChoriaBroker> brokers)
    {
        this.provisionings = provisionings;
        Overlays = overlays;
        this.brokers = brokers;
    }

    /// <summary>Whether they stand for Choria's: who logs in shows a token or a certificate, and no user's password.</summary>
    public bool AreChorias => brokers.Count > 0;

    /// <summary>The first provisioning network, of the whole region where there is no other.</summary>
    public NatsServer Provisioning => provisionings[provisionings.Keys.Min()];

    /// <summary>One for each overlay, in their order.</summary>
    public IReadOnlyList<NatsServer> Overlays { get; }

    /// <summary>That of the first overlay.</summary>
    public NatsServer Overlay => Overlays[0];

    /// <param name="folder">Where stores and site values are kept.</param>
    /// <param name="pki">The CA that signs brokers, nodes and the control plane.</param>
    /// <param name="secrets">The passwords.</param>
    /// <param name="overlays">How many overlays.</param>
    /// <param name="mutualTls">Whether nodes show certificates on the overlay (protocol v1), or tokens.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <param name="receptions">The sites that have a provisioning network; the first by default.</param>
    /// <param name="calloutIssuer">Who answers the brokers' questions about log-ins; null: they ask none.</param>
    public static async Task<StageBrokers> StartAsync(
        string folder,
        TestPki pki,
        StageSecrets secrets,
        int overlays,
        bool mutualTls,
        CancellationToken cancellationToken,
        IReadOnlyList<int>? receptions = null,
        string? calloutIssuer = null)
    {
        var tls = pki.ServerCertificate("broker");
        var entries = new Dictionary<int, NatsServer>();
        var started = new List<NatsServer>();
        try
        {
            foreach (var site in receptions ?? [0])
            {
                var name = site == 0 ? "provisioning" : $"provisioning-{site + 1}";
                entries[site] = await StartProvisioningAsync(folder, name, secrets, tls, calloutIssuer, cancellationToken);
            }

            for (var number = 0; number < overlays; number++)
            {
                var name = number == 0 ? "overlay" : $"overlay-{number + 1}";
                started.Add(await StartOverlayAsync(folder, name, pki, secrets, mutualTls, tls, calloutIssuer, cancellationToken));
            }

            return new StageBrokers(entries, started, []);
        }
        catch
        {
            await new StageBrokers(entries, started, []).DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a broker for each overlay that is as strict as Choria's.</summary>
    /// <param name="folder">Where stores are kept.</param>
    /// <param name="pki">The CA that signs brokers, nodes and the control plane.</param>
    /// <param name="access">Who may log in.</param>
    /// <param name="overlays">How many overlays.</param>
    /// <param name="receptions">The sites on whose brokers silos enrol nodes.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static async Task<StageBrokers> StartChoriaAsync(
        string folder,
        TestPki pki,
        BrokerSettings access,
        int overlays,
        IReadOnlyList<int> receptions,
        CancellationToken cancellationToken)
    {
        var started = new List<ChoriaBroker>();
        try
        {
            for (var number = 1; number <= overlays; number++)
            {
                started.Add(await ChoriaBroker.StartAsync(
                    new ChoriaBrokerSettings
                    {
                        Access = access,
                        Certificate = pki.ServerCertificate("broker"),
                        AuthorityPath = pki.AuthorityPath,
                        DataFolder = Path.Combine(folder, $"broker-{number}"),
                        Name = $"broker-{number}",
                    },
                    cancellationToken));
            }

            IReadOnlyList<NatsServer> servers = [.. started.Select(broker => broker.Server)];
            return new StageBrokers(receptions.ToDictionary(site => site, site => servers[site]), servers, started);
        }
        catch
        {
            await new StageBrokers(new Dictionary<int, NatsServer>(), [], started).DisposeAsync();
            throw;
        }
    }

    /// <summary>The provisioning network of a site; null when it has none.</summary>
    public NatsServer? ProvisioningOf(int site) => provisionings.GetValueOrDefault(site);

    /// <summary>All servers of a site, whose number is its overlay's; of all sites when null.</summary>
    public IReadOnlyList<NatsServer> Of(int? site) =>
    [
        .. provisionings.Where(one => site is null || one.Key == site).Select(one => one.Value)
            .Concat(Overlays.Where((_, number) => site is null || number == site))
            .Distinct(),
    ];

    /// <summary>Starts a server that was killed, and waits until it lets clients in.</summary>
    public Task RestartAsync(NatsServer server, CancellationToken cancellationToken) =>
        brokers.FirstOrDefault(broker => broker.Server == server) is { } broker
            ? broker.RestartAsync(cancellationToken)
            : server.RestartAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var broker in brokers)
        {
            await broker.DisposeAsync();
        }

        foreach (var server in AreChorias ? [] : Of(site: null))
        {
            await server.DisposeAsync();
        }
    }

    private static Task<NatsServer> StartProvisioningAsync(
        string folder, string name, StageSecrets secrets, PkiFiles tls, string? calloutIssuer, CancellationToken cancellationToken)
    {
        var site = new Dictionary<string, string>
        {
            ["SERVER_NAME"] = name,
            ["TLS_CERTIFICATE"] = tls.CertificatePath,
            ["TLS_KEY"] = tls.KeyPath,
            ["PROVISIONING_STORE"] = Path.Combine(folder, name, "store"),
            ["PROVISIONER_PASSWORD"] = File.ReadAllText(secrets.ProvisionerPasswordFile),
        };
        if (calloutIssuer is null)
        {
            site["UNPROVISIONED_PASSWORD"] = File.ReadAllText(secrets.UnprovisionedPasswordFile);
        }

        return StartAsync(folder, name, "provisioning.conf", site, secrets, calloutIssuer, cancellationToken);
    }

    private static Task<NatsServer> StartOverlayAsync(
        string folder,
        string name,
        TestPki pki,
        StageSecrets secrets,
        bool mutualTls,
        PkiFiles tls,
        string? calloutIssuer,
        CancellationToken cancellationToken)
    {
        var site = new Dictionary<string, string>
        {
            ["SERVER_NAME"] = name,
            ["TLS_CERTIFICATE"] = tls.CertificatePath,
            ["TLS_KEY"] = tls.KeyPath,
            ["OVERLAY_STORE"] = Path.Combine(folder, name, "store"),
            ["CONTROLPLANE_PASSWORD"] = File.ReadAllText(secrets.ControlPlanePasswordFile),
        };
        if (calloutIssuer is null)
        {
            site["NODE_PASSWORD"] = File.ReadAllText(secrets.NodePasswordFile);
        }

        if (mutualTls)
        {
            site["NODE_CA"] = pki.AuthorityPath;
        }

        return StartAsync(folder, name, mutualTls ? "overlay-v1.conf" : "overlay-v2.conf", site, secrets, calloutIssuer, cancellationToken);
    }

    private static Task<NatsServer> StartAsync(
        string folder,
        string name,
        string configuration,
        Dictionary<string, string> site,
        StageSecrets secrets,
        string? calloutIssuer,
        CancellationToken cancellationToken)
    {
        var source = Path.Combine(RepositoryRoot.Path, "infra", "nats");
        if (calloutIssuer is not null)
        {
            source = Path.Combine(source, "access");
            site["CALLOUT_ISSUER"] = calloutIssuer;
            site["ACCESS_PASSWORD"] = File.ReadAllText(secrets.ControlPlanePasswordFile);
        }

        var place = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        var file = Path.Combine(place, configuration);
        File.Copy(Path.Combine(source, configuration), file, overwrite: true);
        File.WriteAllLines(Path.Combine(place, "site.conf"), site.Select(value => $"{value.Key}: \"{value.Value}\""));
        return NatsServer.StartAsync(
            new NatsServerSettings
            {
                ConfigurationFile = file,
                DataFolder = Path.Combine(place, "store"),
                Program = calloutIssuer is null ? NatsPrograms.Installed : NatsPrograms.WithAuthCallout,
            },
            cancellationToken);
    }
}
