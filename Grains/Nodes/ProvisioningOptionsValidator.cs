using Microsoft.Extensions.Options;

namespace ControlPlane.Nodes;

/// <summary>The rules of single properties are attributes; these are the rest.</summary>
[OptionsValidator]
internal sealed partial class ProvisioningOptionsRanges : IValidateOptions<ProvisioningOptions>;

[OptionsValidator]
internal sealed partial class UpgradeOptionsRanges : IValidateOptions<UpgradeOptions>;

internal sealed class ProvisioningOptionsValidator : IValidateOptions<ProvisioningOptions>
{
    private const int Ed25519PublicKeyHexLength = 64;

    public ValidateOptionsResult Validate(string? name, ProvisioningOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new ProvisioningOptionsRanges().Validate(name, options));
        faults.AddUnder(nameof(options.Upgrades), new UpgradeOptionsRanges().Validate(null, options.Upgrades));

        if (options.RetryDelayMax < options.RetryDelay || options.RetryDelayMax > TimeSpan.FromDays(1))
        {
            faults.AddError($"must be between RetryDelay and 1 day, is {options.RetryDelayMax}", nameof(options.RetryDelayMax));
        }

        if (options.RenewAfterShare is not (1 or (>= 0.1 and <= 0.9)))
        {
            faults.AddError($"must be between 0.1 and 0.9, or 1, is {options.RenewAfterShare}", nameof(options.RenewAfterShare));
        }

        if (!Enum.IsDefined(options.V2Credentials))
        {
            faults.AddError("must be ServerToken, Certificate or Both", nameof(options.V2Credentials));
        }

        if (options.Upgrades.Repository is { } repository && !(Uri.TryCreate(repository, UriKind.Absolute, out var url)
            && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp)))
        {
            faults.AddError(
                $"must be http:// or https://, is '{repository}'", $"{nameof(options.Upgrades)}:{nameof(options.Upgrades.Repository)}");
        }

        foreach (var (organization, key) in options.Issuers)
        {
            if (key.Length != Ed25519PublicKeyHexLength || !key.All(c => char.IsAsciiHexDigitLower(c) || char.IsAsciiDigit(c)))
            {
                faults.AddError(
                    "must be 64 lower-case hexadecimal digits, an Ed25519 public key", $"{nameof(options.Issuers)}:{organization}");
            }
        }

        return faults.Build();
    }
}
