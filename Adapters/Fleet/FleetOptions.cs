using ControlPlane.Nodes;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>How the silo reaches nodes and knows them. Section <c>Fleet</c>.</summary>
public sealed class FleetOptions
{
    public const string Section = "Fleet";

    /// <summary>Connections of one silo to the networks of its nodes together: they do not grow with the fleet.</summary>
    public const int ConnectionsMax = 8;

    /// <summary>Links of one silo to other sites together, one connection each: a region of a million nodes has some fifty.</summary>
    public const int LinksMax = 64;

    /// <summary>
    /// The network on which unprovisioned nodes are. None by default: an overlay without a reception of its own, whose newcomers come to
    /// the region's other overlays.
    /// </summary>
    public NetworkOptions? Provisioning { get; set; }

    /// <summary>
    /// The networks of overlays: of those that this silo serves, whose nodes are heard and called there; and of the region's other sites,
    /// which are linked over them and nothing else.
    /// </summary>
    public Dictionary<string, NetworkOptions> Overlays { get; set; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Path of the file with the fleet's shared provisioning secret: the <c>cht</c> claim of every provisioning token. Required.
    /// </summary>
    public string SharedSecretFile { get; set; } = "";

    /// <summary>
    /// Paths of PEM files with the public keys or certificates that sign RS256 provisioning tokens. Tokens signed with EdDSA are
    /// verified by <c>Provisioning:Issuers</c>. One of the two is needed.
    /// </summary>
    public List<string> ProvisioningTokenSignerFiles { get; set; } = [];

    /// <summary>
    /// Path of the Ed25519 seed (64 hexadecimal digits) that signs server tokens: the organisation issuer's, or a chain issuer's when
    /// <see cref="ServerTokenIssuerTokenFile"/> is given. Needed for nodes of protocol v2.
    /// </summary>
    public string? ServerTokenSeedFile { get; set; }

    /// <summary>Path of the chain issuer's token (JWT) that goes with <see cref="ServerTokenSeedFile"/>.</summary>
    public string? ServerTokenIssuerTokenFile { get; set; }

    /// <summary>The protocols spoken on the provisioning network. Both by default; naming one saves half of the first calls.</summary>
    public List<NodeProtocol> Protocols { get; set; } = [];

    /// <summary>
    /// Who we are to nodes, as <c>x=y</c>. The same for all silos of a region, since a node's lock belongs to its caller, and another
    /// overlay's silos may go on with it. <c>choria=&lt;region&gt;.controlplane</c> by default.
    /// </summary>
    public string? Caller { get; set; }

    /// <summary>
    /// How the caller proves itself to provisioned nodes: jobs and <c>reprovision</c> need it, for each protocol that nodes speak.
    /// </summary>
    public CallerProofOptions? CallerProof { get; set; }

    /// <summary>
    /// Whether a reply of a protocol v2 node in its overlay must be signed by the key in its server token. True by default, as nodes sign
    /// by default; false where they are configured with <c>plugin.security.choria.sign_replies: false</c>.
    /// </summary>
    public bool RequireSignedReplies { get; set; } = true;

    /// <summary>How long a node may take to answer the first call. 1 second to 1 minute; 5 seconds by default.</summary>
    [Between("00:00:01", "00:01:00")]
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Copies of our own JetStream streams of the local overlay: soft state, advisories, changes, history of certificates,
    /// record of calls. 1 to 5; 1 by default, 3 on a cluster of brokers.
    /// </summary>
    [Between(1, 5)]
    public int StateReplicas { get; set; } = 1;

    /// <summary>How long advisories on nodes' liveness are kept. 1 hour to 366 days; 7 days by default.</summary>
    [Between("01:00:00", "366.00:00:00")]
    public TimeSpan AdvisoriesMaxAge { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How many bytes of advisories are kept before the oldest go. 1 MiB or more; 256 MiB by default.</summary>
    [Between(1L << 20, 1L << 50)]
    public long AdvisoriesBytesMax { get; set; } = 256L << 20;

    /// <summary>How long the changes are kept that watchers follow. 1 hour to 366 days; 1 day by default.</summary>
    [Between("01:00:00", "366.00:00:00")]
    public TimeSpan ChangesMaxAge { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How many bytes of changes are kept before the oldest go. 1 MiB or more; 256 MiB by default.</summary>
    [Between(1L << 20, 1L << 50)]
    public long ChangesBytesMax { get; set; } = 256L << 20;

    /// <summary>
    /// How many bytes of the certificates' history are kept: some 400 MB for each ledger, when all its records are. 1 MiB or more;
    /// 512 MiB by default.
    /// </summary>
    [Between(1L << 20, 1L << 50)]
    public long CertificatesBytesMax { get; set; } = 512L << 20;

    /// <summary>
    /// How long the record of calls is kept on the brokers; export or replicate it more often. 1 day to 3660 days; 400 days by default.
    /// </summary>
    [Between("1.00:00:00", "3660.00:00:00")]
    public TimeSpan AuditMaxAge { get; set; } = TimeSpan.FromDays(400);

    /// <summary>
    /// How many bytes of the record of calls are kept before the oldest go, about 2 kB for each call. 1 MiB or more; 1 GiB by default.
    /// </summary>
    [Between(1L << 20, 1L << 50)]
    public long AuditBytesMax { get; set; } = 1L << 30;

    /// <summary>
    /// How long jobs that have ended, and what came of them, are kept on the brokers. 1 hour to 366 days; 7 days by default.
    /// </summary>
    [Between("01:00:00", "366.00:00:00")]
    public TimeSpan JobsMaxAge { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How many bytes of them are kept, oldest go first. 1 MiB or more; 1 GiB by default.</summary>
    [Between(1L << 20, 1L << 50)]
    public long JobsBytesMax { get; set; } = 1L << 30;

    /// <summary>
    /// Whether jobs may publish their events on <c>controlplane.job.&gt;</c> of the own overlay's brokers, where the silo's credential
    /// needs that subject. False by default.
    /// </summary>
    public bool JobEvents { get; set; }

    /// <summary>
    /// How many bytes of soft state are kept: the last inventory of each node, about 20 kB. What is beyond is read anew from the nodes.
    /// 1 MiB or more; 4 GiB by default.
    /// </summary>
    [Between(1L << 20, 1L << 50)]
    public long StateBytesMax { get; set; } = 4L << 30;

    /// <summary>How long dead letters are kept. 1 hour to 366 days; 30 days by default.</summary>
    [Between("01:00:00", "366.00:00:00")]
    public TimeSpan DeadLettersMaxAge { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How many bytes of dead letters are kept before the oldest go. 1 MiB or more; 256 MiB by default.</summary>
    [Between(1L << 20, 1L << 50)]
    public long DeadLettersBytesMax { get; set; } = 256L << 20;

    /// <summary>How long a discovery sweep listens at most. 1 to 30 seconds; 5 seconds by default.</summary>
    [Between("00:00:01", "00:00:30")]
    public TimeSpan DiscoveryWindow { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>All networks by name.</summary>
    public IEnumerable<KeyValuePair<string, NetworkOptions>> Networks() =>
        Provisioning is { } provisioning ? Overlays.Prepend(new(FleetStreams.ProvisioningNetwork, provisioning)) : Overlays;

    /// <summary>Where a network is configured within the section.</summary>
    public static string PathOf(string network) =>
        network == FleetStreams.ProvisioningNetwork ? nameof(Provisioning) : $"{nameof(Overlays)}:{network}";

    /// <summary>Whether nodes are heard and called on a network; over the others this site is linked to the region's other sites.</summary>
    public static bool HasNodes(string network, OverlaysOptions overlays) =>
        network == FleetStreams.ProvisioningNetwork || overlays.Serves(network);

    /// <summary>Those with nodes.</summary>
    public IEnumerable<KeyValuePair<string, NetworkOptions>> NodeNetworks(OverlaysOptions overlays) =>
        Networks().Where(network => HasNodes(network.Key, overlays));

    /// <summary>Those to other sites.</summary>
    public IEnumerable<KeyValuePair<string, NetworkOptions>> Links(OverlaysOptions overlays) =>
        Networks().Where(network => !HasNodes(network.Key, overlays));

    /// <summary>The overlays that this site serves and has a network of.</summary>
    public IEnumerable<KeyValuePair<string, OverlayOptions>> ServedMembers(OverlaysOptions overlays) =>
        overlays.Members.Where(member => overlays.Serves(member.Key) && Overlays.ContainsKey(member.Key));
}

/// <summary>One NATS network and how we log in to it.</summary>
public sealed class NetworkOptions : BrokerLoginOptions
{
    /// <summary>
    /// Connections to this network. 1 to 4; 1 by default. All networks of nodes together at most 8, links to other sites 64.
    /// </summary>
    [Between(1, 4)]
    public int Connections { get; set; } = 1;

    /// <summary>
    /// The JetStream stream that holds the network's lifecycle events. <c>CHORIA_EVENTS</c> by default, as Choria's broker names it. Empty
    /// when the network has none: a Choria broker brings the events of its provisioning account to the overlay's stream.
    /// </summary>
    public string StreamName { get; set; } = "CHORIA_EVENTS";

    /// <summary>Whether we make the streams when they are missing. False by default: a Choria broker makes that of events itself.</summary>
    public bool CreateStream { get; set; }

    /// <summary>
    /// How long the streams that we make here keep what nodes say. 1 minute to 366 days; 1 day by default. Registrations are kept for an
    /// hour at most.
    /// </summary>
    [Between("00:01:00", "366.00:00:00")]
    public TimeSpan StreamMaxAge { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How many bytes each of them keeps before the oldest go. 1 MiB or more; 1 GiB by default.</summary>
    [Between(1L << 20, 1L << 50)]
    public long StreamBytesMax { get; set; } = 1L << 30;

    /// <summary>
    /// The JetStream stream that holds what nodes register, <c>CHORIA_REGISTRATION</c> by Choria's convention. None by default: then facts
    /// are known from enrolment only. Read on overlays' networks only.
    /// </summary>
    public string RegistrationStreamName { get; set; } = "";

    /// <summary>
    /// The subjects of registrations in it: what nodes publish themselves, and what a data adapter of Choria's broker makes of it. By
    /// default <c>&lt;collective&gt;.broadcast.agent.registration</c> of each of the overlay's collectives, and
    /// <c>choria.node_metadata.&gt;</c>. Only brokers may be able to publish to the latter.
    /// </summary>
    public List<string> RegistrationSubjects { get; set; } = [];

    /// <summary>
    /// The JetStream stream that holds what nodes' autonomous agents say, <c>CHORIA_MACHINE</c> as Choria's broker names it: each event is
    /// a sign of life of its node. None by default. Read on overlays' networks only.
    /// </summary>
    public string MachineStreamName { get; set; } = "";

    /// <summary>
    /// The JetStream stream that holds what programs on nodes submit through Choria Submission: that their node published it is a sign of
    /// life; a signature must be of the node. None by default. Read on overlays' networks only.
    /// </summary>
    public string SubmissionStreamName { get; set; } = "";

    /// <summary>
    /// The subjects of submissions in it. By default <c>&lt;collective&gt;.submission.in.&gt;</c> of each of the overlay's collectives;
    /// <c>choria.executor.&gt;</c> for <c>CHORIA_EXECUTOR</c>.
    /// </summary>
    public List<string> SubmissionSubjects { get; set; } = [];

    /// <summary>
    /// Path of the PEM file with the CAs that sign the certificates of protocol v1 nodes: registrations of theirs are believed by it.
    /// Without it they count as signs of life of nobody.
    /// </summary>
    public string? NodeCaFile { get; set; }
}

/// <summary>How our requests to provisioned nodes are signed: a client token for protocol v2, a certificate for v1.</summary>
public sealed class CallerProofOptions
{
    /// <summary>
    /// Path of a client token (JWT) with the permission <c>fleet_management</c>; its <c>callerid</c> must be
    /// <see cref="FleetOptions.Caller"/>.
    /// </summary>
    public string? TokenFile { get; set; }

    /// <summary>Path of the Ed25519 seed (64 hexadecimal digits) that goes with <see cref="TokenFile"/>.</summary>
    public string? SeedFile { get; set; }

    /// <summary>Path of a client certificate (PEM) that nodes accept, named as <see cref="FleetOptions.Caller"/> says.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>Path of the RSA key (PEM) that goes with <see cref="CertificateFile"/>.</summary>
    public string? KeyFile { get; set; }
}
