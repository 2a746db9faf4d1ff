using ControlPlane.Adapters.Cfssl;
using ControlPlane.Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Adds certificate authorities that are a <c>cfssl serve</c>.</summary>
public static class CfsslHosting
{
    /// <summary>
    /// Adds one issuer for each entry of the configuration section <c>Cfssl</c>; the entry's name is the issuer's. Its CA and profile are
    /// checked at start: what is wrong stops the silo, a CA that is away does not.
    /// </summary>
    public static ISiloBuilder AddCfssl(this ISiloBuilder silo)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<IValidateOptions<CfsslOptions>, CfsslOptionsValidator>();
        silo.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CfsslOptions>, CfsslCredentialsValidator>());
        foreach (var entry in silo.Configuration.GetSection(CfsslOptions.Section).GetChildren())
        {
            // A value that is not one of the enumeration is the binder's to report.
            _ = Enum.TryParse<CfsslRevocation>(entry[nameof(CfsslOptions.Revocation)], ignoreCase: true, out var revocation);
            silo.Services.AddCfssl(entry.Key, revocation);
        }

        return silo;
    }

    /// <summary>Adds one issuer by its name, configured under <c>Cfssl:{name}</c>; what it can revoke decides which ports it has.</summary>
    internal static IServiceCollection AddCfssl(this IServiceCollection services, string name, CfsslRevocation revocation)
    {
        services.AddOptions<CfsslOptions>(name).BindConfiguration($"{CfsslOptions.Section}:{name}").ValidateOnStart();
        services.AddKeyedSingleton(name, (provider, _) => Create(name, provider));
        services.AddKeyedSingleton<ICertificateIssuer>(name, (provider, _) => provider.GetRequiredKeyedService<CfsslIssuer>(name));
        if (revocation is not CfsslRevocation.None)
        {
            services.AddKeyedSingleton<ICertificateRevoker>(
                name, (provider, _) => (RevokingCfsslIssuer)provider.GetRequiredKeyedService<CfsslIssuer>(name));
        }

        if (revocation is CfsslRevocation.DatabaseAndList)
        {
            services.AddKeyedSingleton<ICertificateRevocationListSource>(
                name, (provider, _) => (ListingCfsslIssuer)provider.GetRequiredKeyedService<CfsslIssuer>(name));
        }

        services.AddSingleton<IHostedService>(provider => new CfsslStart(
            provider.GetRequiredKeyedService<CfsslIssuer>(name), provider.GetRequiredService<ILogger<CfsslStart>>()));
        return services;
    }

    private static CfsslIssuer Create(string name, IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptionsMonitor<CfsslOptions>>().Get(name);
        var time = provider.GetRequiredService<TimeProvider>();
        return options.Revocation switch
        {
            CfsslRevocation.DatabaseAndList => new ListingCfsslIssuer(name, options, time),
            CfsslRevocation.Database => new RevokingCfsslIssuer(name, options, time),
            _ => new CfsslIssuer(name, options, time),
        };
    }
}
