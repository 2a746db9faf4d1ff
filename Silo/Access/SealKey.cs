using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Adapters.Transport;
using ControlPlane.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>
/// The secrets by which silos of a site know each other's calls: the site's own key, or on one machine what guards its ports.
/// </summary>
internal static class SealKey
{
    public static CallerSeal SealOf(IServiceProvider services) =>
        new(ReadKeys(services), services.GetRequiredService<TimeProvider>());

    /// <summary>
    /// The secrets themselves, never none: all seal by the first, and what others sealed is taken while the site's key is replaced. Who
    /// uses them derives keys of its own from them.
    /// </summary>
    public static IReadOnlyList<byte[]> ReadKeys(IServiceProvider services)
    {
        var silo = services.GetRequiredService<IOptions<SiloHostOptions>>();
        var seeds = services.GetRequiredService<IOptions<SitesOptions>>().Value.ReadSeeds();
        var overlay = services.GetRequiredService<Locality>().Overlay;
        return seeds.Count > 0 ? seeds : [LocalSecret.ReadOrMake(SiloPorts.SecretFileOf(silo.Value, overlay)).Value.ToArray()];
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
