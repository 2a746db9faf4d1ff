using ControlPlane.Adapters.Nats.Callout;
using Microsoft.Extensions.Options;
using NATS.NKeys;

namespace ControlPlane.Adapters.Fleet.Access;

[OptionsValidator]
internal sealed partial class AccessBrokersOptionsRanges : IValidateOptions<AccessBrokersOptions>;

/// <summary>Every fault at once; none where no brokers are configured.</summary>
internal sealed class AccessBrokersOptionsValidator : IValidateOptions<AccessBrokersOptions>
{
    public ValidateOptionsResult Validate(string? name, AccessBrokersOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new AccessBrokersOptionsRanges().Validate(name, options));
        foreach (var (network, login) in options.Networks)
        {
            FleetOptionsValidator.AddLoginFaults(faults, login, $"{nameof(options.Networks)}:{network}");
        }

        var isUsed = options.Networks.Count > 0;
        faults.RequireFile(options.IssuerSeedFile, nameof(options.IssuerSeedFile), needed: isUsed);
        faults.RequireFile(options.XKeySeedFile, nameof(options.XKeySeedFile), needed: false);
        faults.RequireFile(options.ProvisionerPasswordFile, nameof(options.ProvisionerPasswordFile), needed: false);
        faults.RequireFile(options.SystemPasswordFile, nameof(options.SystemPasswordFile), needed: options.SystemUser is not null);
        if (isUsed)
        {
            AddSeedFault(faults, options.IssuerSeedFile, nameof(options.IssuerSeedFile), PrefixByte.Account);
            AddSeedFault(faults, options.XKeySeedFile, nameof(options.XKeySeedFile), PrefixByte.Curve);
        }

        return faults.Build();
    }

    private static void AddSeedFault(ValidateOptionsResultBuilder faults, string? file, string path, PrefixByte purpose)
    {
        try
        {
            if (SecretFile.TextOrNull(file) is { } seed)
            {
                CalloutKeys.ReadSeed(seed, purpose).Dispose();
            }
        }
        catch (NKeysException unusable)
        {
            faults.AddError($"names a file that holds no such seed: {unusable.Message}", path);
        }
    }
}
