using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.FleetSimulator;

/// <summary>Which protocol the nodes of a fleet speak.</summary>
public enum FleetProtocol
{
    /// <summary>x509: keys by gencsr, mutual TLS.</summary>
    V1,

    /// <summary>ed25519 and tokens.</summary>
    V2,

    /// <summary>Even nodes V1, odd nodes V2.</summary>
    Both,
}

/// <summary>A fleet to simulate. Valid as it is but for <see cref="Brokers"/> and the key that signs its tokens.</summary>
public sealed record SimulatedFleetOptions
{
    /// <summary>The provisioning network: a comma separated list of <c>nats://host:port</c>, put into the token's <c>chu</c>.</summary>
    public required string Brokers { get; init; }

    /// <summary>Where the nodes begin their life enrolled; null, the default, where they come to be enrolled.</summary>
    public EnrolledNodes? Enrolled { get; init; }

    /// <summary>How many nodes; 1 by default.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>The identities: <c>{n}</c> is the node's number from 0, <c>{n:00000}</c> padded, <c>{n%10}</c> its remainder.</summary>
    public string IdentityPattern { get; init; } = "node{n:00000}.sim.example.net";

    /// <summary>What they speak; V1 by default.</summary>
    public FleetProtocol Protocol { get; init; } = FleetProtocol.V1;

    /// <summary>The <c>cht</c> claim: the secret that the provisioner must know. Secret.</summary>
    public string Secret { get; init; } = "s3cret";

    /// <summary>The organisation issuer's ed25519 seed in hexadecimal, which signs the tokens of V2 nodes. Secret.</summary>
    public string? IssuerSeed { get; init; }

    /// <summary>The RSA key (PEM) that signs the tokens of V1 nodes. Secret.</summary>
    public string? SignerKeyPem { get; init; }

    /// <summary>The <c>ou</c> claim; <c>choria</c> by default.</summary>
    public string Organization { get; init; } = "choria";

    /// <summary>
    /// The <c>extensions</c> claim as JSON, with the placeholders of <see cref="IdentityPattern"/>: one token for each text. Null, the
    /// default, is what Choria issues without any.
    /// </summary>
    public string? ExtensionsPattern { get; init; }

    /// <summary>The <c>chusr</c> claim: the NATS user of unprovisioned nodes; sent only with <see cref="Password"/>.</summary>
    public string? User { get; init; }

    /// <summary>The <c>chpwd</c> claim. Secret.</summary>
    public string? Password { get; init; }

    /// <summary>The <c>update</c> claim: whether <c>release_update</c> is allowed.</summary>
    public bool AllowUpdate { get; init; }

    /// <summary>The facts of each node as JSON, with the placeholders of <see cref="IdentityPattern"/>.</summary>
    public string FactsPattern { get; init; } =
        """{"os":{"name":"Debian","release":{"major":"12"}},"role":"web","site":"site{n%4}"}""";

    /// <summary>Where each node says that its configuration is, with the placeholders of <see cref="IdentityPattern"/>.</summary>
    public string ConfigurationDirectoryPattern { get; init; } = "/etc/choria";

    /// <summary>How many nodes have each fault; the nodes are chosen by <see cref="Seed"/>. None by default.</summary>
    public IReadOnlyDictionary<SimulatedFault, FaultShare> Faults { get; init; } = new Dictionary<SimulatedFault, FaultShare>();

    /// <summary>How late the replies of slow nodes are; 3 seconds by default.</summary>
    public TimeSpan SlowDelay { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How many of their replies lossy nodes lose: 0 to 1, 0.3 by default.</summary>
    public double LossRate { get; init; } = 0.3;

    /// <summary>Over what time the nodes start, evenly; zero, the default, is a herd.</summary>
    public TimeSpan ArriveWithin { get; init; }

    /// <summary>How long a restarting node serves on; null, the default, is what Choria does: 2 seconds and the splay.</summary>
    public TimeSpan? RestartDelay { get; init; }

    /// <summary>How many RSA keys are made before the fleet starts; 0, the default, makes each at its <c>gencsr</c>.</summary>
    public int KeyPool { get; init; }

    /// <summary>
    /// Whether the pool is paired of the primes of a few keys: distinct keys, thousands in seconds, safe for nothing else. False by
    /// default.
    /// </summary>
    public bool PairKeys { get; init; }

    /// <summary>Where the pool is kept for the next run; null keeps it nowhere.</summary>
    public string? KeyFolder { get; init; }

    /// <summary>
    /// How many nodes share one connection; 1, the default, is what agents do. Raised by itself when there are more nodes than the
    /// process may have connections, see <see cref="SimulatedFleet.NodesPerConnection"/>.
    /// </summary>
    public int NodesPerConnection { get; init; } = 1;

    /// <summary>How many connections are made at the same time; 64 by default.</summary>
    public int ConnectsAtOnce { get; init; } = 64;

    /// <summary>How long one attempt to connect may last; 20 seconds by default. Agents wait 2, but have a machine each.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Whether TLS sessions are resumed, which agents do not do; saves a third of the CPU. True by default.</summary>
    public bool ResumeTls { get; init; } = true;

    /// <summary>How often a node says that it is alive; 30 minutes by default, the first one after a random part of it.</summary>
    public TimeSpan AliveInterval { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>What all randomness of the fleet comes from but the RSA keys: ids, ed25519 keys, faults, splays. 1 by default.</summary>
    public int Seed { get; init; } = 1;

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
