using System.ComponentModel.DataAnnotations;
using Orleans;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>An issuing CA whose key is in an Azure Key Vault. Section <c>KeyVault:{issuer name}</c>.</summary>
/// <remarks>
/// Several vaults are several issuers, each with an intermediate of its own: that is how the limit of one vault is passed.
/// </remarks>
public sealed class KeyVaultOptions
{
    public const string Section = "KeyVault";

    /// <summary>The vault, e.g. <c>https://overlay1.vault.azure.net</c>. Always https. Required.</summary>
    public Uri? Url { get; set; }

    /// <summary>The name of the CA's certificate in the vault. Required.</summary>
    [Required(ErrorMessage = "must name a certificate")]
    public string Certificate { get; set; } = "";

    /// <summary>
    /// The version of the certificate, whose key version signs. The current one when the silo starts, by default; it stays the same until
    /// the next start, so that a rotation cannot pair a new key with the old certificate.
    /// </summary>
    public string? CertificateVersion { get; set; }

    /// <summary>PEM file of the CA certificates above it, root last: the vault does not have them. None when it is a root itself.</summary>
    public string? ChainFile { get; set; }

    /// <summary>
    /// The vault's documented limit of signatures by this key in ten seconds; we use four fifths of it. By default that of the key's kind:
    /// 4,000 for RSA-2048 and elliptic keys, 1,000 for RSA-3072, 500 for RSA-4096, and half of that in an HSM.
    /// </summary>
    [Between(1, int.MaxValue)]
    public int? SignaturesPerTenSeconds { get; set; }

    /// <summary>How long an order waits for its turn at the vault before it is throttled. Up to 1 minute; 5 seconds by default.</summary>
    [Between("00:00:00", "00:01:00")]
    public TimeSpan TurnWaitMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long one call may take. 1 second to 2 minutes; 30 seconds by default.</summary>
    [Between("00:00:01", "00:02:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Calls at once. 1 to 256; 64 by default.</summary>
    [Between(1, 256)]
    public int ConcurrencyMax { get; set; } = 64;

    /// <summary>Who we are to Azure.</summary>
    public KeyVaultCredentialOptions Credential { get; set; } = new();
}

/// <summary>Who the silo is to Microsoft Entra ID.</summary>
public sealed class KeyVaultCredentialOptions
{
    /// <summary>The kind of the identity. ManagedIdentity by default.</summary>
    [EnumDataType(
        typeof(KeyVaultCredentialKind), ErrorMessage = "must be ManagedIdentity, WorkloadIdentity, ClientCertificate or ClientSecret")]
    public KeyVaultCredentialKind Kind { get; set; } = KeyVaultCredentialKind.ManagedIdentity;

    /// <summary>The tenant. Needed for ClientCertificate and ClientSecret.</summary>
    public string? TenantId { get; set; }

    /// <summary>The application or the user-assigned identity. Needed for ClientCertificate and ClientSecret.</summary>
    public string? ClientId { get; set; }

    /// <summary>PEM file with certificate and key. Needed for ClientCertificate.</summary>
    [Redact]
    public string? CertificateFile { get; set; }

    /// <summary>File with the secret. Needed for ClientSecret.</summary>
    [Redact]
    public string? SecretFile { get; set; }
}

/// <summary>The kinds of identities.</summary>
public enum KeyVaultCredentialKind
{
    ManagedIdentity = 1,

    /// <summary>A Kubernetes service account, federated.</summary>
    WorkloadIdentity = 2,
    ClientCertificate = 3,
    ClientSecret = 4,
}
