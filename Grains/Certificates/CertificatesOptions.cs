using System.ComponentModel.DataAnnotations;
using ControlPlane.Flow;

namespace ControlPlane.Certificates;

/// <summary>How certificates look and how CAs are used. Section <c>Certificates</c>.</summary>
public sealed class CertificatesOptions
{
    public const string Section = "Certificates";

    /// <summary>The certificate profiles by name. At least one.</summary>
    [MinLength(1, ErrorMessage = "must hold at least one profile")]
    public Dictionary<string, CertificateProfile> Profiles { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Limits and trust of issuers by their name; an issuer that is not listed has the defaults.</summary>
    public Dictionary<string, IssuerOptions> Issuers { get; set; } = new(StringComparer.Ordinal);

    /// <summary>How long after it was superseded a certificate is revoked. 0 to 30 days; 0 by default.</summary>
    [Between("00:00:00", "30.00:00:00")]
    public TimeSpan RevocationGrace { get; set; } = TimeSpan.Zero;

    /// <summary>
    /// Public keys that are never certified, each the lower-case hexadecimal SHA-256 of a SubjectPublicKeyInfo: known leaked keys, such
    /// as Debian's of 2008. None by default.
    /// </summary>
    public HashSet<string> RejectedKeys { get; set; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Files of public keys that are never certified. One that ends in <c>.dat</c> is badkeys' <c>blocklist.dat</c>, which
    /// <c>badkeys --update-bl</c> fetches; the others have one key a line: SHA-256 as in <see cref="RejectedKeys"/>, or the 20 digits of
    /// Debian's <c>openssl-blacklist</c> for RSA keys. We ship none. Read at start; none by default.
    /// </summary>
    public IReadOnlyList<string> RejectedKeysFiles { get; set; } = [];

    /// <summary>
    /// Whether nodes may have one key together, and keys of revoked certificates come back. Only for simulated fleets, whose keys come
    /// from a pool. False by default.
    /// </summary>
    public bool SharedKeys { get; set; }

    /// <summary>
    /// How often each CA's own list is held against the ledger, where it keeps one, and new keys are compared for primes that they share.
    /// 10 minutes to 7 days, or 0 for never; 1 hour by default.
    /// </summary>
    public TimeSpan AuditInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Whether what the audit finds is revoked, and not only reported. Only where the CAs sign for nobody else: their certificates are not
    /// in the ledger either. False by default.
    /// </summary>
    public bool AuditRevokes { get; set; }

    /// <summary>The ledgers that there are: orders are kept under the first issuer of their profile, whoever signed in the end.</summary>
    internal IEnumerable<string> Ledgers => Profiles.Values.Select(profile => profile.Issuers[0]).Distinct(StringComparer.Ordinal);

    /// <summary>The ledgers that certificates of an issuer may be in.</summary>
    internal IReadOnlyList<string> LedgersOf(string issuer) =>
        [.. Profiles.Values.Where(profile => profile.Issuers.Contains(issuer))
            .Select(profile => profile.Issuers[0])
            .Distinct(StringComparer.Ordinal)];

    /// <summary>A profile by its name, or null.</summary>
    internal CertificateProfile? ProfileOrNull(string name) =>
        Profiles.TryGetValue(name, out var profile) ? profile with { Name = name } : null;
}

/// <summary>
/// How one issuer is used by one silo: what it is spared, and what it is trusted with. <c>Certificates:Issuers:{name}</c>.
/// </summary>
/// <remarks>Limits are per silo: of a CA's rate, each of an overlay's three silos is given a third.</remarks>
public sealed class IssuerOptions
{
    /// <summary>Orders that are signed at once. 1 to 1024; 64 by default, beyond which a CA only queues.</summary>
    [Between(1, 1024)]
    public int ConcurrencyMax { get; set; } = 64;

    /// <summary>Orders a minute; 0, the default, is as many as the CA documents, or else no limit.</summary>
    [Between(0, 10_000_000)]
    public int RatePerMinute { get; set; }

    /// <summary>Orders that wait for their turn; more are deferred with a time to come again. 1 to 100 000; 5 000 by default.</summary>
    [Between(1, 100_000)]
    public int QueueMax { get; set; } = 5_000;

    /// <summary>
    /// How long the CA may take for one order before its outcome counts as unknown. 1 second to 1 minute; 15 seconds by default.
    /// </summary>
    [Between("00:00:01", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Failures in a row after which the issuer is left alone. 1 to 100; 5 by default.</summary>
    [Between(1, 100)]
    public int BreakAfter { get; set; } = 5;

    /// <summary>
    /// Without any answer for this long, while orders are with it, nothing more is sent to it. 1 second to 1 minute; 4 seconds by default.
    /// </summary>
    [Between("00:00:01", "00:01:00")]
    public TimeSpan StalledAfter { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>
    /// How long it is left alone at first; doubled by each probe that fails, up to a minute. 1 second to 1 minute; 5 seconds by default.
    /// </summary>
    [Between("00:00:01", "00:01:00")]
    public TimeSpan BreakFor { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long it is left aside for a profile after it signed something else than was ordered; then one order tries, as after a start of
    /// the silo. 1 minute to 1 day;
    /// 1 hour by default.
    /// </summary>
    [Between("00:01:00", "1.00:00:00")]
    public TimeSpan AsideFor { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// PEM certificates of the roots that its certificates must lead to. By default the root of its own chain is believed, which is
    /// right for an embedded CA only.
    /// </summary>
    public string TrustedRoots { get; set; } = "";

    private static readonly TimeSpan BreakForMax = TimeSpan.FromMinutes(1);

    /// <summary>What orders go through to the issuer: so many at once and a minute, none while it fails or is silent.</summary>
    internal Gate OpenGate(string issuer, int? documentedRate, TimeProvider time) => new(
        new GateBounds(
            "orders", issuer, ConcurrencyMax, QueueMax, StalledAfter, RatePerMinute > 0 ? RatePerMinute : documentedRate ?? 0),
        time,
        new CircuitBreaker(BreakAfter, BreakFor, BreakForMax, StalledAfter));
}
