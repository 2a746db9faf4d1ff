using ControlPlane.Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers certificate authorities: what the adapters' own methods are made of.</summary>
public static class IssuersHosting
{
    /// <summary>
    /// Adds one issuer for each entry of a configuration section; the entry's name is the issuer's. Its options are validated at start.
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="section">The section.</param>
    /// <param name="open">Makes the issuer of its name and options, when it is first asked for.</param>
    public static ISiloBuilder AddIssuers<TOptions>(
        this ISiloBuilder silo, string section, Func<string, TOptions, IServiceProvider, ICertificateIssuer> open)
        where TOptions : class
    {
        foreach (var entry in silo.Configuration.GetSection(section).GetChildren())
        {
            silo.Services.AddIssuer(section, entry.Key, open);
        }

        return silo;
    }

    /// <summary>Adds one issuer by its name, configured under <c>{section}:{name}</c>.</summary>
    public static IServiceCollection AddIssuer<TOptions>(
        this IServiceCollection services, string section, string name, Func<string, TOptions, IServiceProvider, ICertificateIssuer> open)
        where TOptions : class
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<TOptions>(name).BindConfiguration($"{section}:{name}").ValidateOnStart();
        return services.AddKeyedSingleton(
            name, (provider, _) => open(name, provider.GetRequiredService<IOptionsMonitor<TOptions>>().Get(name), provider));
    }
}
