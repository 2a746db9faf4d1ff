using ControlPlane.Adapters.Choria;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Sites;

/// <summary>Whether every site of the region has keys, and this one its own; every fault at once.</summary>
internal sealed class SitesOptionsValidator(IOptions<OverlaysOptions> overlays) : IValidateOptions<SitesOptions>
{
    public ValidateOptionsResult Validate(string? name, SitesOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        if (!options.AreUsed())
        {
            return faults.Build();
        }

        var region = overlays.ValueOrDefault();
        var sites = region.Members.Keys.Where(overlay => region.ServedBy(overlay) == overlay).ToList();
        foreach (var site in sites.Where(site => options.PublicKeys.GetValueOrDefault(site) is not { Count: > 0 }))
        {
            faults.AddError("needs a public key: controlplane site key prints it there", $"{nameof(options.PublicKeys)}:{site}");
        }

        foreach (var site in options.PublicKeys.Keys.Except(sites))
        {
            faults.AddError("is no site of the region: Overlays:Members has no such overlay with silos of its own",
                $"{nameof(options.PublicKeys)}:{site}");
        }

        AddKeyFaults(faults, options);
        AddSeedFaults(faults, options, options.SeedFile, region.Local, nameof(options.SeedFile));
        foreach (var (index, file) in options.OtherSeedFiles.Index())
        {
            AddSeedFaults(faults, options, file, region.Local, $"{nameof(options.OtherSeedFiles)}:{index}");
        }

        return faults.Build();
    }

    private static void AddKeyFaults(ValidateOptionsResultBuilder faults, SitesOptions options)
    {
        var seen = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (site, keys) in options.PublicKeys)
        {
            foreach (var (index, key) in keys.Index())
            {
                var at = $"{nameof(options.PublicKeys)}:{site}:{index}";
                if (key.Length != 2 * Ed25519Key.PublicKeyBytes || !key.All(char.IsAsciiHexDigit))
                {
                    faults.AddError($"must be {2 * Ed25519Key.PublicKeyBytes} hexadecimal digits, is '{key}'", at);
                }
                else if (!seen.TryAdd(key, site))
                {
                    faults.AddError($"is a key of {seen[key]} already: each site has keys of its own", at);
                }
            }
        }
    }

    private static void AddSeedFaults(ValidateOptionsResultBuilder faults, SitesOptions options, string file, string local, string at)
    {
        faults.RequireFile(file, at, needed: true);
        if (File.Exists(file) && SeedFault(options, file, local) is { } fault)
        {
            faults.AddError(fault, at);
        }
    }

    private static string? SeedFault(SitesOptions options, string file, string local)
    {
        try
        {
            using var key = Ed25519Key.FromSeedHex(SecretFile.Read(file));
            return options.PublicKeys.GetValueOrDefault(local)?.Contains(key.PublicKeyHex, StringComparer.OrdinalIgnoreCase) == true
                ? null
                : $"holds a key that is not among PublicKeys:{local}, by which other sites know this one; its public key is {key.PublicKeyHex}";
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ChoriaFormatException)
        {
            return $"cannot be used: {unreadable.Message}";
        }
    }
}
