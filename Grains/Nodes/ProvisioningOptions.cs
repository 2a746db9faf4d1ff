using Microsoft.Extensions.Options;

namespace ControlPlane.Nodes;

/// <summary>How nodes are enrolled. Section <c>Provisioning</c>.</summary>
public sealed class ProvisioningOptions
{
    public const string Section = "Provisioning";

    /// <summary>What a protocol v2 node is given: its server token, a certificate, or both. The server token by default.</summary>
    public NodeCredentials V2Credentials { get; set; } = NodeCredentials.ServerToken;

    /// <summary>
    /// The organisations' issuers: the name that tokens carry as <c>ou</c>, to the issuer's Ed25519 public key in lower-case
    /// hexadecimal. Needed as soon as a v2 node enrols; nodes are configured to trust exactly these.
    /// </summary>
    public Dictionary<string, string> Issuers { get; set; } = new(StringComparer.Ordinal);

    /// <summary>How long a server token is valid. 1 hour to 2 years; 30 days by default. Renewed before it ends.</summary>
    /// <remarks>No broker can be told to refuse a token: a lost or decommissioned one works until it ends.</remarks>
    [Between("01:00:00", "730.00:00:00")]
    public TimeSpan ServerTokenLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How long after a node was asked for its keys nothing is given out, so that another's answer comes too late to be believed. 0 to 30
    /// seconds; half a second by default. Nodes make RSA keys in up to a second.
    /// </summary>
    [Between("00:00:00", "00:00:30")]
    public TimeSpan ContestWindow { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// The folder with the layers of node configuration: <c>*.yaml</c>, read in order of name, and again when one changes. None by default.
    /// </summary>
    public string? LayersFolder { get; set; }

    /// <summary>Updates of nodes before they are configured.</summary>
    public UpgradeOptions Upgrades { get; set; } = new();

    /// <summary>
    /// The most enrolments that one silo runs at once, beyond the first call to the node; how many it runs is found out between
    /// <c>Admission:EnrolmentsMin</c> and this. 1 to 4096; 128 by default.
    /// </summary>
    [Between(1, 4096)]
    public int EnrolmentsMax { get; set; } = 128;

    /// <summary>
    /// How many nodes one silo waits on at once to answer the first call. 1 to 16384; 1024 by default. Dead nodes only ever hold these.
    /// </summary>
    [Between(1, 16384)]
    public int ProbesMax { get; set; } = 1024;

    /// <summary>
    /// How many names of the overlay's cluster are listed though they have shown no provisioning token of ours: silent or refused. Others
    /// are forgotten at once, and found by a sweep if they are there. 64 to 65 536; 2048 by default.
    /// </summary>
    [Between(64, 65_536)]
    public int NewcomersMax { get; set; } = 2048;

    /// <summary>How long such a name is listed. 1 minute to 30 days; 1 hour by default.</summary>
    [Between("00:01:00", "30.00:00:00")]
    public TimeSpan NewcomerLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How long after the restart the node's startup event is awaited on its overlay. 10 seconds to 1 hour; 2 minutes by default.
    /// </summary>
    [Between("00:00:10", "01:00:00")]
    public TimeSpan ArrivalDeadline { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>The wait after a first failure; each further one doubles it. 1 second to 5 minutes; 5 seconds by default.</summary>
    [Between("00:00:01", "00:05:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest wait between two tries. At least <see cref="RetryDelay"/>, at most 1 day; 10 minutes by default.</summary>
    public TimeSpan RetryDelayMax { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>After how many calls without any answer a node is reported as silent. 1 to 10; 2 by default.</summary>
    [Between(1, 10)]
    public int SilentAfter { get; set; } = 2;

    /// <summary>
    /// How often a node may refuse in one enrolment before it is quarantined; what a CA, a broker, a store or a clock does wrong never
    /// counts. 1 to 100; 12 by default.
    /// </summary>
    [Between(1, 100)]
    public int FailuresMax { get; set; } = 12;

    /// <summary>How many enrolments a node may begin in an hour before it is quarantined. 1 to 100; 6 by default.</summary>
    [Between(1, 100)]
    public int EnrolmentsPerHourMax { get; set; } = 6;

    /// <summary>
    /// The share of its credentials' life after which an enrolled node enrols anew, at the latest; spread over the sixth before. 0.1 to
    /// 0.9; 0.7 by default. 1: nodes do not renew by themselves. They are asked as by <c>node reprovision</c>, which needs
    /// <c>Fleet:CallerProof</c>.
    /// </summary>
    public double RenewAfterShare { get; set; } = 0.7;

    /// <summary>The time between two discovery sweeps. 10 seconds to 1 day; 1 minute by default, Choria's own default.</summary>
    [Between("00:00:10", "1.00:00:00")]
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromMinutes(1);
}

/// <summary>What a node proves itself with in its overlay.</summary>
[Flags]
public enum NodeCredentials
{
    /// <summary>A server token (JWT) and the Ed25519 key that it names; protocol v2.</summary>
    ServerToken = 1,

    /// <summary>An X.509 certificate; always for protocol v1.</summary>
    Certificate = 2,

    /// <summary>Both, made in one enrolment.</summary>
    Both = ServerToken | Certificate,
}
