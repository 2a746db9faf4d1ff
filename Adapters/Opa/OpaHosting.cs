using ControlPlane.Access.Policies;
using ControlPlane.Adapters.Opa;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Adds Open Policy Agent as the authority that is asked besides the access policy.</summary>
public static class OpaHosting
{
    /// <summary>Binds section <c>Access:Opa</c>; without an address there is nobody to ask.</summary>
    public static ISiloBuilder AddOpa(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<OpaOptions>().BindConfiguration(OpaOptions.Section).ValidateOnStart();
        silo.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<OpaOptions>, OpaOptionsValidator>());
        if (!string.IsNullOrEmpty(silo.Configuration.GetSection(OpaOptions.Section)[nameof(OpaOptions.Url)]))
        {
            silo.Services.AddSingleton<IAccessAuthority, OpaAuthority>();
        }

        return silo;
    }
}
