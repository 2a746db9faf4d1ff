using Azure.Core;
using Azure.Identity;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>Makes the identity that the options describe.</summary>
internal static class KeyVaultCredentials
{
    public static TokenCredential Create(KeyVaultCredentialOptions options) => options.Kind switch
    {
        KeyVaultCredentialKind.WorkloadIdentity => new WorkloadIdentityCredential(new WorkloadIdentityCredentialOptions
        {
            TenantId = options.TenantId,
            ClientId = options.ClientId,
        }),
        KeyVaultCredentialKind.ClientCertificate =>
            new ClientCertificateCredential(options.TenantId, options.ClientId, options.CertificateFile),
        KeyVaultCredentialKind.ClientSecret => new ClientSecretCredential(
            options.TenantId, options.ClientId, File.ReadAllText(options.SecretFile!).Trim()),
        _ => new ManagedIdentityCredential(
            options.ClientId is { } id ? ManagedIdentityId.FromUserAssignedClientId(id) : ManagedIdentityId.SystemAssigned),
    };
}
