using ControlPlane.Adapters.Http;
using ControlPlane.Adapters.KeyVault;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Adds certificate authorities whose keys are in Azure Key Vaults.</summary>
public static class KeyVaultHosting
{
    /// <summary>
    /// Adds one issuer for each entry of the configuration section <c>KeyVault</c>; the entry's name is the issuer's. Its certificate is
    /// read and its key's version pinned at start: what is wrong stops the silo, a vault that is away does not.
    /// </summary>
    public static ISiloBuilder AddKeyVault(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<IValidateOptions<KeyVaultOptions>, KeyVaultOptionsValidator>();
        silo.Services.AddSingleton<IValidateOptions<KeyVaultOptions>>(services => new TlsFilesValidator<KeyVaultOptions>(
            services.GetRequiredService<TimeProvider>(),
            options => new TlsFiles(
                $"{nameof(options.Credential)}:{nameof(options.Credential.CertificateFile)}",
                options.Credential.CertificateFile,
                options.Credential.CertificateFile,
                Purpose: null,
                (nameof(options.ChainFile), options.ChainFile))));
        silo.Services.TryAddSingleton<VaultBudgets>();
        return silo.AddIssuers<KeyVaultOptions>(KeyVaultOptions.Section, (name, options, services) => new KeyVaultIssuer(
            name,
            options,
            new KeyVaultClient(name, options, KeyVaultCredentials.Create(options.Credential), transport: null),
            services.GetRequiredService<VaultBudgets>().Of(options.Url!),
            services.GetRequiredService<TimeProvider>()));
    }
}
