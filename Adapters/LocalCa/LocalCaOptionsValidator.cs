using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.LocalCa;

internal sealed class LocalCaOptionsValidator : IValidateOptions<LocalCaOptions>
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);

    public ValidateOptionsResult Validate(string? name, LocalCaOptions options)
    {
        var faults = new List<string>();
        void Require(bool holds, string property, string rule)
        {
            if (!holds)
            {
                faults.Add($"{LocalCaOptions.Section}:{name}:{property} {rule}");
            }
        }

        Require(options.DataFolder.Length > 0, nameof(options.DataFolder), "must name a folder");
        Require(Enum.IsDefined(options.KeyKind), nameof(options.KeyKind), "must be Rsa2048, Rsa3072, Rsa4096, P256 or P384");
        Require(options.Organization.Length is > 0 and <= 64, nameof(options.Organization), "must have 1 to 64 characters");
        Require(
            options.RootLifetime >= Year && options.RootLifetime <= 30 * Year,
            nameof(options.RootLifetime),
            $"must be between 1 and 30 years, is {options.RootLifetime}");
        Require(
            options.IntermediateLifetime >= TimeSpan.FromDays(1) && options.IntermediateLifetime <= options.RootLifetime,
            nameof(options.IntermediateLifetime),
            $"must be between 1 day and RootLifetime, is {options.IntermediateLifetime}");
        Require(
            options.RenewalLead > TimeSpan.Zero && options.RenewalLead <= options.IntermediateLifetime / 2,
            nameof(options.RenewalLead),
            $"must be positive and at most half of IntermediateLifetime, is {options.RenewalLead}");
        Require(
            options.RevocationListLifetime >= TimeSpan.FromHours(1) && options.RevocationListLifetime <= TimeSpan.FromDays(30),
            nameof(options.RevocationListLifetime),
            $"must be between 1 hour and 30 days, is {options.RevocationListLifetime}");
        Require(
            options.PermittedDomains.TrueForAll(domain => Uri.CheckHostName(domain) == UriHostNameType.Dns),
            nameof(options.PermittedDomains),
            "must be DNS domains without wildcards");
        Require(
            options.CertificatePath is null == options.KeyPath is null,
            nameof(options.KeyPath),
            "must be given together with CertificatePath, or neither");
        Require(
            options.CertificatePath is not null || (options.ChainPath is null && options.KeyPassphrasePath is null),
            nameof(options.CertificatePath),
            "must be given with ChainPath or KeyPassphrasePath");
        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }
}
