using ControlPlane.Adapters.LocalCa;
using ControlPlane.Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Adds the embedded certificate authorities.</summary>
public static class LocalCaHosting
{
    /// <summary>
    /// Adds one embedded CA for each entry of the configuration section <c>LocalCa</c>; the entry's name is the issuer's. It is opened,
    /// and made if need be, at start: what is wrong with it stops the silo.
    /// </summary>
    public static ISiloBuilder AddLocalCa(this ISiloBuilder silo)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<IValidateOptions<LocalCaOptions>, LocalCaOptionsValidator>();
        foreach (var entry in silo.Configuration.GetSection(LocalCaOptions.Section).GetChildren())
        {
            silo.Services.AddLocalCa(entry.Key);
        }

        return silo;
    }

    /// <summary>Adds one embedded CA by its name, configured under <c>LocalCa:{name}</c>.</summary>
    internal static IServiceCollection AddLocalCa(this IServiceCollection services, string name)
    {
        services.AddOptions<LocalCaOptions>(name).BindConfiguration($"{LocalCaOptions.Section}:{name}").ValidateOnStart();
        services.AddKeyedSingleton(name, (provider, _) => new LocalCaIssuer(
            name,
            provider.GetRequiredService<IOptionsMonitor<LocalCaOptions>>().Get(name),
            provider.GetRequiredService<TimeProvider>()));
        services.AddKeyedSingleton<ICertificateIssuer>(name, (provider, _) => provider.GetRequiredKeyedService<LocalCaIssuer>(name));
        services.AddKeyedSingleton<ICertificateRevoker>(name, (provider, _) => provider.GetRequiredKeyedService<LocalCaIssuer>(name));
        services.AddKeyedSingleton<ICertificateRevocationListSource>(
            name, (provider, _) => provider.GetRequiredKeyedService<LocalCaIssuer>(name));
        services.AddSingleton<IHostedService>(provider => new LocalCaStart(provider.GetRequiredKeyedService<LocalCaIssuer>(name)));
        return services;
    }

    private sealed class LocalCaStart(LocalCaIssuer issuer) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken) => await issuer.GetChainAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
