using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.LocalCa;

[OptionsValidator]
internal sealed partial class LocalCaOptionsRanges : IValidateOptions<LocalCaOptions>;

internal sealed class LocalCaOptionsValidator : IValidateOptions<LocalCaOptions>
{
    public ValidateOptionsResult Validate(string? name, LocalCaOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new LocalCaOptionsRanges().Validate(name, options));
        faults.Require(
            options.IntermediateLifetime >= TimeSpan.FromDays(1) && options.IntermediateLifetime <= options.RootLifetime,
            nameof(options.IntermediateLifetime),
            $"must be between 1 day and RootLifetime, is {options.IntermediateLifetime}");
        faults.Require(
            options.RenewalLead > TimeSpan.Zero && options.RenewalLead <= options.IntermediateLifetime / 2,
            nameof(options.RenewalLead),
            $"must be positive and at most half of IntermediateLifetime, is {options.RenewalLead}");
        faults.Require(
            options.PermittedDomains.TrueForAll(domain => Uri.CheckHostName(domain) == UriHostNameType.Dns),
            nameof(options.PermittedDomains),
            "must be DNS domains without wildcards");
        faults.Require(
            options.CertificatePath is null == options.KeyPath is null,
            nameof(options.KeyPath),
            "must be given together with CertificatePath, or neither");
        faults.Require(
            options.CertificatePath is not null || (options.ChainPath is null && options.KeyPassphrasePath is null),
            nameof(options.CertificatePath),
            "must be given with ChainPath or KeyPassphrasePath");
        return faults.Build();
    }
}
