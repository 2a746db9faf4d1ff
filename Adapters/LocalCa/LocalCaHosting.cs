using ControlPlane.Adapters.LocalCa;
using Microsoft.Extensions.DependencyInjection;
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
        silo.Services.AddSingleton<IValidateOptions<LocalCaOptions>, LocalCaOptionsValidator>();
        return silo.AddIssuers<LocalCaOptions>(LocalCaOptions.Section, (name, options, services) =>
            new LocalCaIssuer(name, options, services.GetRequiredService<TimeProvider>()));
    }
}
