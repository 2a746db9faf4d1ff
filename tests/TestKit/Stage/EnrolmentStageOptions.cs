namespace ControlPlane.TestKit.Stage;

/// <summary>What an <see cref="EnrolmentStage"/> is made of.</summary>
public sealed record EnrolmentStageOptions
{
    /// <summary>The silo's program, <c>controlplane.dll</c>.</summary>
    public required string SiloProgram { get; init; }

    /// <summary>
    /// Starts a silo inside of this process, by its configuration file and where that has it listen, and waits until it is ready: for tests
    /// that kill none. Null, the default, for processes of their own.
    /// </summary>
    public Func<string, Uri, Uri, CancellationToken, Task<StageSilo>>? StartSiloHere { get; init; }

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

    /// <summary>The token with which the silos' APIs are asked; none, the default, where whoever reaches them may ask.</summary>
    public string? ApiToken { get; init; }

    /// <summary>How many silos share the work, each a process of its own. 1 to 9; 1 by default.</summary>
    public int Silos { get; init; } = 1;

    /// <summary>How many overlays there are, each with a network of its own: <c>overlay-1</c> and so on. 1 to 6; 1 by default.</summary>
    public int Overlays { get; init; } = 1;

    /// <summary>
    /// Whether each overlay is a site of its own: a cluster of one silo, a Redis and brokers. The first leads the region. False by default:
    /// there is one site, the first overlay's, whose silos serve all.
    /// </summary>
    public bool OwnClusters { get; init; }

    /// <summary>
    /// The numbers of the sites that have a provisioning network, each its own: <c>[0]</c> is one for the whole region. Null, the default:
    /// all.
    /// </summary>
    public IReadOnlyList<int>? Receptions { get; init; }

    /// <summary>How many nodes an overlay takes; what the control plane's own default is when not given.</summary>
    public int? HardLimit { get; init; }

    /// <summary>How often nodes register what they are; null, the default, when they do not.</summary>
    public TimeSpan? RegistrationInterval { get; init; }

    /// <summary>How long the nodes' certificates live; the profile's own default when not given.</summary>
    public TimeSpan? CertificateLifetime { get; init; }

    /// <summary>More lines of the silo's configuration, YAML at the top level; they may not repeat a section.</summary>
    public string MoreConfiguration { get; init; } = "";

    /// <summary>More settings of the section <c>Silo</c>, YAML indented by two.</summary>
    public string MoreSilo { get; init; } = "";

    /// <summary>More settings of the section <c>Provisioning</c>, YAML indented by two.</summary>
    public string MoreProvisioning { get; init; } = "";
}
