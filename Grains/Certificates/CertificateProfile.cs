using System.ComponentModel.DataAnnotations;

namespace ControlPlane.Certificates;

/// <summary>
/// What the certificates of one kind look like, and who may sign them. Configured under <c>Certificates:Profiles:{Name}</c>.
/// </summary>
public sealed record CertificateProfile
{
    /// <summary>The longest lifetime that a profile may have.</summary>
    public static readonly TimeSpan LifetimeMax = TimeSpan.FromDays(825);

    /// <summary>The profile's name; the configuration key.</summary>
    public string Name { get; init; } = "node";

    /// <summary>The issuers that may sign, in order of preference. At least one.</summary>
    [MinLength(1, ErrorMessage = "must name at least one issuer")]
    public IReadOnlyList<string> Issuers { get; init; } = [];

    /// <summary>How long a certificate lives. 1 hour to 825 days; 30 days by default. Never past the end of its issuer.</summary>
    [Between("01:00:00", "825.00:00:00")]
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How far the start of validity lies in the past, for nodes whose clocks are slow. 0 to 1 hour; 15 minutes by default.
    /// </summary>
    [Between("00:00:00", "01:00:00")]
    public TimeSpan Backdate { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Whether the certificate serves TLS servers too (serverAuth). Clients (clientAuth) always. True by default.</summary>
    public bool ServerAuthentication { get; init; } = true;

    /// <summary>The smallest RSA key that is certified, in bits. 2048 to <see cref="RsaBitsMax"/>; 2048 by default.</summary>
    public int RsaBitsMin { get; init; } = 2048;

    /// <summary>
    /// The largest RSA key that is certified, in bits. At most 8192, the default: larger ones cost more than they protect.
    /// </summary>
    public int RsaBitsMax { get; init; } = 8192;

    /// <summary>Whether P-256 and P-384 keys are certified besides RSA keys. True by default.</summary>
    public bool EllipticKeys { get; init; } = true;

    /// <summary>
    /// DNS names besides the identity, as templates with <c>{identity}</c>, <c>{host}</c> (its first label), <c>{domain}</c> (the others)
    /// and <c>{overlay}</c>; each must hold the identity or the host. At most 8; none by default.
    /// </summary>
    public IReadOnlyList<string> DnsNames { get; init; } = [];

    /// <summary>
    /// URIs that name the node, as templates like <see cref="DnsNames"/>: <c>spiffe://example.net/node/{identity}</c>. At most 8; none by
    /// default.
    /// </summary>
    public IReadOnlyList<string> Uris { get; init; } = [];

    /// <summary>Whether only issuers that can revoke may sign. False by default: what cannot be revoked must then be short-lived.</summary>
    public bool Revocable { get; init; }

    /// <summary>
    /// Attributes of the subject besides the common name, as templates like <see cref="DnsNames"/>; left out where not given.
    /// </summary>
    [RegularExpression("^[A-Z]{2}$", ErrorMessage = "must be two upper-case letters")]
    public string? Country { get; init; }

    /// <inheritdoc cref="Country"/>
    public string? Locality { get; init; }

    /// <inheritdoc cref="Country"/>
    public string? Organization { get; init; }

    /// <inheritdoc cref="Country"/>
    public string? OrganizationalUnit { get; init; }
}
