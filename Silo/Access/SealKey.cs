using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Adapters.Transport;
using ControlPlane.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>
/// The secret by which silos of a site know each other's calls: the site's own key, or on one machine what guards its ports.
/// </summary>
internal static class SealKey
{
    public static CallerSeal SealOf(IServiceProvider services) =>
        new(ReadKey(services), services.GetRequiredService<TimeProvider>());

    /// <summary>The secret itself; who uses it derives a key of its own from it.</summary>
    public static byte[] ReadKey(IServiceProvider services)
    {
        var silo = services.GetRequiredService<IOptions<SiloHostOptions>>();
        using var siteKey = services.GetRequiredService<IOptions<SitesOptions>>().Value.ReadKey();
        return siteKey is not null
            ? Convert.FromHexString(siteKey.ExportSeedHex())
            : LocalSecret.ReadOrMake(SiloPorts.SecretFileOf(silo.Value, services.GetRequiredService<Locality>().Overlay)).Value.ToArray();
    }
}

/// <summary>Silos of several machines have no secret in common but the site's key.</summary>
internal sealed class SealKeyValidator(IOptions<SiloHostOptions> silo) : IValidateOptions<SitesOptions>
{
    public ValidateOptionsResult Validate(string? name, SitesOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.Require(
            options.SeedFile.Length > 0 || silo.ValueOrDefault().Tls is null,
            nameof(options.SeedFile),
            "is needed with Silo:Tls: by it silos know each other's calls; make it by controlplane site key FILE");
        return faults.Build();
    }
}
