using ControlPlane.Adapters.Vault;
using ControlPlane.Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Adds certificate authorities that are a PKI mount of Vault or OpenBao.</summary>
public static class VaultHosting
{
    /// <summary>
    /// Adds one issuer for each entry of the configuration section <c>Vault</c>; the entry's name is the issuer's. It logs in at start:
    /// what is wrong stops the silo, a Vault that is away or sealed does not.
    /// </summary>
    public static ISiloBuilder AddVault(this ISiloBuilder silo)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<IValidateOptions<VaultOptions>, VaultOptionsValidator>();
        silo.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<VaultOptions>, VaultCredentialsValidator>());
        foreach (var entry in silo.Configuration.GetSection(VaultOptions.Section).GetChildren())
        {
            // A value that is neither is the binder's to report.
            _ = bool.TryParse(entry[nameof(VaultOptions.Stored)], out var stored);
            silo.Services.AddVault(entry.Key, stored);
        }

        return silo;
    }

    /// <summary>
    /// Adds one issuer by its name, configured under <c>Vault:{name}</c>; whether Vault stores decides which ports it has.
    /// </summary>
    internal static IServiceCollection AddVault(this IServiceCollection services, string name, bool stored)
    {
        services.AddOptions<VaultOptions>(name).BindConfiguration($"{VaultOptions.Section}:{name}").ValidateOnStart();
        services.AddKeyedSingleton(name, (provider, _) => Create(name, provider));
        services.AddKeyedSingleton<ICertificateIssuer>(name, (provider, _) => provider.GetRequiredKeyedService<VaultIssuer>(name));
        services.AddKeyedSingleton<ICertificateRevoker>(name, (provider, _) => provider.GetRequiredKeyedService<VaultIssuer>(name));
        services.AddKeyedSingleton<ICertificateRevocationListSource>(
            name, (provider, _) => provider.GetRequiredKeyedService<VaultIssuer>(name));
        if (stored)
        {
            services.AddKeyedSingleton<IIssuedCertificateCatalog>(
                name, (provider, _) => (StoringVaultIssuer)provider.GetRequiredKeyedService<VaultIssuer>(name));
        }

        services.AddSingleton<IHostedService>(provider => new VaultStart(
            provider.GetRequiredKeyedService<VaultIssuer>(name), provider.GetRequiredService<ILogger<VaultStart>>()));
        return services;
    }

    private static VaultIssuer Create(string name, IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptionsMonitor<VaultOptions>>().Get(name);
        var time = provider.GetRequiredService<TimeProvider>();
        var vault = VaultParts.OverHttp(name, options, time, new Random());
        return options.Stored ? new StoringVaultIssuer(name, options, vault, time) : new VaultIssuer(name, options, vault, time);
    }
}
