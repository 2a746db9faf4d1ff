using System.ComponentModel.DataAnnotations;
using Orleans;

namespace ControlPlane.Adapters.Vault;

/// <summary>One PKI mount of a Vault or OpenBao. Section <c>Vault:{issuer name}</c>.</summary>
public sealed class VaultOptions
{
    public const string Section = "Vault";

    internal const string Path = "^[A-Za-z0-9._-]([A-Za-z0-9._/-]*[A-Za-z0-9._-])?$";
    internal const string NotAPath = "must be a path without slashes around it";
    private const string NoRole = "must name a role";

    /// <summary>Where it listens, e.g. <c>https://vault.example.net:8200</c>. Plain <c>http</c> on the loopback only. Required.</summary>
    public Uri? Url { get; set; }

    /// <summary>The namespace (Enterprise and OpenBao), e.g. <c>fleet/eu/</c>. None by default.</summary>
    [RegularExpression(".*[^/].*", ErrorMessage = "must name a namespace")]
    public string? Namespace { get; set; }

    /// <summary>The path of the PKI mount, without slashes around it. <c>pki</c> by default.</summary>
    [Required(ErrorMessage = NotAPath), RegularExpression(Path, ErrorMessage = NotAPath)]
    public string Mount { get; set; } = "pki";

    /// <summary>Name or id of the issuer within the mount whose chain and revocation list are read. <c>default</c> by default.</summary>
    [Required(ErrorMessage = "must be a name or id"), RegularExpression(Path, ErrorMessage = "must be a name or id")]
    public string IssuerRef { get; set; } = "default";

    /// <summary>The role that signs RSA keys, and others when <see cref="EllipticRole"/> is not given. Required.</summary>
    [Required(ErrorMessage = NoRole), RegularExpression(Path, ErrorMessage = NoRole)]
    public string Role { get; set; } = "";

    /// <summary>The role that signs elliptic keys: a role has one kind of key unless it takes any. None by default.</summary>
    [RegularExpression(Path, ErrorMessage = NoRole)]
    public string? EllipticRole { get; set; }

    /// <summary>
    /// Whether to use <c>sign-verbatim</c>, which takes subject and names from the node's request. False by default. Choria's requests
    /// have no names; only for nodes whose own do.
    /// </summary>
    public bool Verbatim { get; set; }

    /// <summary>
    /// Whether the role stores what it signs (<c>no_store=false</c>): then certificates are revoked by their serial number and lost
    /// ones are found again. False by default: revoked by themselves, which needs Vault 1.12 or OpenBao.
    /// </summary>
    public bool Stored { get; set; }

    /// <summary>How we log in.</summary>
    public VaultLoginOptions Login { get; set; } = new();

    /// <summary>PEM file of the CAs that the server's own TLS certificate is verified by. None by default: those of the machine.</summary>
    public string? ServerCaFile { get; set; }

    /// <summary>How long one call may take. 1 second to 2 minutes; 30 seconds by default.</summary>
    [Between("00:00:01", "00:02:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Calls at once. 1 to 256; 32 by default.</summary>
    [Between(1, 256)]
    public int ConcurrencyMax { get; set; } = 32;
}

/// <summary>How the silo proves itself to Vault. Every secret is a file, read again at each login.</summary>
public sealed class VaultLoginOptions
{
    /// <summary>The method. AppRole by default.</summary>
    [EnumDataType(typeof(VaultLoginMethod), ErrorMessage = "must be Token, AppRole, Certificate or Kubernetes")]
    public VaultLoginMethod Method { get; set; } = VaultLoginMethod.AppRole;

    /// <summary>The path of the auth mount, without slashes around it; the method's usual one by default.</summary>
    [RegularExpression(VaultOptions.Path, ErrorMessage = VaultOptions.NotAPath)]
    public string? Mount { get; set; }

    /// <summary>The role to log in as: Kubernetes and Certificate. Needed for both: without it Vault tries every role.</summary>
    public string? Role { get; set; }

    /// <summary>File with the token. Needed for Token.</summary>
    [Redact]
    public string? TokenFile { get; set; }

    /// <summary>File with the role id. Needed for AppRole.</summary>
    [Redact]
    public string? RoleIdFile { get; set; }

    /// <summary>File with the secret id. Needed for AppRole.</summary>
    [Redact]
    public string? SecretIdFile { get; set; }

    /// <summary>File with the service account's token. The projected one of Kubernetes by default.</summary>
    [Redact]
    public string JwtFile { get; set; } = "/var/run/secrets/kubernetes.io/serviceaccount/token";

    /// <summary>PEM file of our certificate. Needed for Certificate; may be given with other methods.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>PEM file of the key of <see cref="CertificateFile"/>.</summary>
    [Redact]
    public string? KeyFile { get; set; }
}

/// <summary>Vault's ways to log in.</summary>
public enum VaultLoginMethod
{
    /// <summary>A token that someone else renews or replaces in its file, such as Vault Agent.</summary>
    Token = 1,
    AppRole = 2,

    /// <summary>A TLS client certificate.</summary>
    Certificate = 3,
    Kubernetes = 4,
}
