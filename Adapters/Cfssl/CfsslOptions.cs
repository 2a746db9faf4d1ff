using System.ComponentModel.DataAnnotations;
using Orleans;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>One <c>cfssl serve</c>. Section <c>Cfssl:{issuer name}</c>.</summary>
public sealed class CfsslOptions
{
    public const string Section = "Cfssl";

    /// <summary>Where it listens, e.g. <c>https://ca.example.net:8888</c>. Plain <c>http</c> on the loopback only. Required.</summary>
    public Uri? Url { get; set; }

    /// <summary>
    /// The signing profile of cfssl's configuration. It must differ from cfssl's <c>default</c> in expiry or usages, because cfssl takes
    /// <c>default</c> for every name that it does not know and that is how we find out. <c>node</c> by default.
    /// </summary>
    [Required(ErrorMessage = "must name a signing profile")]
    public string Profile { get; set; } = "node";

    /// <summary>Which CA of a <c>multirootca</c>; empty, the default, for <c>cfssl serve</c>.</summary>
    public string Label { get; set; } = "";

    /// <summary>
    /// PEM file of the issuing CA's certificate and those above it, root last. Compared with cfssl's own at start. Required.
    /// </summary>
    public string ChainFile { get; set; } = "";

    /// <summary>
    /// File with the profile's <c>auth_key</c> in hexadecimal; then orders go to <c>authsign</c>. None by default: <c>sign</c>.
    /// </summary>
    [Redact]
    public string? AuthKeyFile { get; set; }

    /// <summary>What cfssl can revoke; checked at start. Nothing by default.</summary>
    [EnumDataType(typeof(CfsslRevocation), ErrorMessage = "must be None, Database or DatabaseAndList")]
    public CfsslRevocation Revocation { get; set; } = CfsslRevocation.None;

    /// <summary>PEM file of the CAs that the server's own TLS certificate is verified by. None by default: those of the machine.</summary>
    public string? ServerCaFile { get; set; }

    /// <summary>PEM file of the certificate that we show to the server. Needed with <see cref="ClientKeyFile"/>. None by default.</summary>
    public string? ClientCertificateFile { get; set; }

    /// <summary>PEM file of the key of <see cref="ClientCertificateFile"/>.</summary>
    [Redact]
    public string? ClientKeyFile { get; set; }

    /// <summary>How long one call may take. 1 second to 2 minutes; 30 seconds by default.</summary>
    [Between("00:00:01", "00:02:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Calls at once. 1 to 64; 8 by default: cfssl has no limit of its own, and beyond 16 more in flight only wait for each other.
    /// </summary>
    [Between(1, 64)]
    public int ConcurrencyMax { get; set; } = 8;
}

/// <summary>What a <c>cfssl serve</c> can revoke, by its version and flags.</summary>
public enum CfsslRevocation
{
    /// <summary>Started without <c>-db-config</c>: nothing.</summary>
    None = 0,

    /// <summary>It has a database of what it issued: any version.</summary>
    Database = 1,

    /// <summary>It has a database and signs a revocation list of it: version 1.6 and later.</summary>
    DatabaseAndList = 2,
}
