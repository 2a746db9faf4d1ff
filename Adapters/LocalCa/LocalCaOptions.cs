using System.ComponentModel.DataAnnotations;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>One embedded certificate authority. Section <c>LocalCa:{issuer name}</c>.</summary>
/// <remarks>
/// Without <see cref="CertificatePath"/> a root and an intermediate are made at the first start and kept in <see cref="DataFolder"/>;
/// silos that share the folder share the CA. With it, the intermediate is imported and the folder holds only what was revoked.
/// </remarks>
public sealed class LocalCaOptions
{
    public const string Section = "LocalCa";

    /// <summary>Where keys, certificates and revocations are kept, readable by the silo only. Required.</summary>
    [Required(ErrorMessage = "must name a folder")]
    public string DataFolder { get; set; } = "";

    /// <summary>The kind of the keys that are made. RSA-2048 by default.</summary>
    [EnumDataType(typeof(LocalCaKeyKind), ErrorMessage = "must be Rsa2048, Rsa3072, Rsa4096, P256 or P384")]
    public LocalCaKeyKind KeyKind { get; set; } = LocalCaKeyKind.Rsa2048;

    /// <summary>
    /// The organisation in the names of the CA certificates that are made. 1 to 64 characters; <c>ControlPlane</c> by default.
    /// </summary>
    [Required(ErrorMessage = "must have 1 to 64 characters"), StringLength(64, ErrorMessage = "must have 1 to 64 characters")]
    public string Organization { get; set; } = "ControlPlane";

    /// <summary>How long the root that is made lives. 1 to 30 years; 10 years by default.</summary>
    [Between("365.00:00:00", "10950.00:00:00")]
    public TimeSpan RootLifetime { get; set; } = TimeSpan.FromDays(3650);

    /// <summary>How long an intermediate that is made lives. 1 day to <see cref="RootLifetime"/>; 2 years by default.</summary>
    public TimeSpan IntermediateLifetime { get; set; } = TimeSpan.FromDays(730);

    /// <summary>
    /// How long before its intermediate ends the next one is made and given out in chains; half of it before the end, it signs.
    /// Twice the certificates' lifetime at least, so that all nodes trust it by then. At most half of <see cref="IntermediateLifetime"/>;
    /// 180 days by default.
    /// </summary>
    public TimeSpan RenewalLead { get; set; } = TimeSpan.FromDays(180);

    /// <summary>
    /// The DNS domains that an intermediate that is made is constrained to, e.g. <c>example.net</c>. None by default: any.
    /// </summary>
    public List<string> PermittedDomains { get; set; } = [];

    /// <summary>
    /// How long a revocation list is valid; it is made anew at half of that, and when something was revoked. 1 hour to 30 days; 7 days by
    /// default.
    /// </summary>
    [Between("01:00:00", "30.00:00:00")]
    public TimeSpan RevocationListLifetime { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Where relying parties fetch the revocation list; written into certificates. None by default.</summary>
    public Uri? RevocationListUrl { get; set; }

    /// <summary>PEM file of an intermediate CA certificate to import. None by default.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>
    /// PEM file of its private key (PKCS#8, PKCS#1 or SEC 1), mode 0600 or 0400. Needed with <see cref="CertificatePath"/>.
    /// </summary>
    public string? KeyPath { get; set; }

    /// <summary>File that holds the passphrase of an encrypted PKCS#8 key; its last line break does not count. None by default.</summary>
    public string? KeyPassphrasePath { get; set; }

    /// <summary>
    /// PEM file of the CA certificates above it, root last. Needed with <see cref="CertificatePath"/> unless that is a root.
    /// </summary>
    public string? ChainPath { get; set; }
}

/// <summary>The kinds of CA keys. An RSA-4096 key signs a sixth, a P-256 key twenty times as many certificates as RSA-2048.</summary>
public enum LocalCaKeyKind
{
    Rsa2048 = 1,
    Rsa3072 = 2,
    Rsa4096 = 3,
    P256 = 4,
    P384 = 5,
}
