using ControlPlane.Adapters.KeyVault;
using ControlPlane.Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
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
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<IValidateOptions<KeyVaultOptions>, KeyVaultOptionsValidator>();
        silo.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<KeyVaultOptions>, KeyVaultCredentialsValidator>());
        silo.Services.TryAddSingleton<VaultBudgets>();
        foreach (var entry in silo.Configuration.GetSection(KeyVaultOptions.Section).GetChildren())
        {
            silo.Services.AddKeyVault(entry.Key);
        }

        return silo;
    }

    /// <summary>Adds one issuer by its name, configured under <c>KeyVault:{name}</c>.</summary>
    internal static IServiceCollection AddKeyVault(this IServiceCollection services, string name)
    {
        services.AddOptions<KeyVaultOptions>(name).BindConfiguration($"{KeyVaultOptions.Section}:{name}").ValidateOnStart();
        services.AddKeyedSingleton(name, (provider, _) => Create(name, provider));
        services.AddKeyedSingleton<ICertificateIssuer>(name, (provider, _) => provider.GetRequiredKeyedService<KeyVaultIssuer>(name));
        services.AddSingleton<IHostedService>(provider => new KeyVaultStart(
            provider.GetRequiredKeyedService<KeyVaultIssuer>(name), provider.GetRequiredService<ILogger<KeyVaultStart>>()));
        return services;
    }

    private static KeyVaultIssuer Create(string name, IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptionsMonitor<KeyVaultOptions>>().Get(name);
        var client = new KeyVaultClient(name, options, KeyVaultCredentials.Create(options.Credential), transport: null);
        return new KeyVaultIssuer(
            name,
            options,
            client,
            provider.GetRequiredService<VaultBudgets>().Of(options.Url!),
            provider.GetRequiredService<TimeProvider>());
    }
}
