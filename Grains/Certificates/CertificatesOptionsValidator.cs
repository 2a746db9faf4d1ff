using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>Holds profiles to the issuers that there are and to what these can do.</summary>
internal sealed class CertificatesOptionsValidator(IServiceProvider services) : IValidateOptions<CertificatesOptions>
{
    // The bounds of X.520, which CAs and clients enforce each in their own way.
    private const int CountryLength = 2;
    private const int AttributeLengthMax = 64;
    private const int LocalityLengthMax = 128;
    private const int NamesMax = 8;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    public ValidateOptionsResult Validate(string? name, CertificatesOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        if (options.Profiles.Count == 0)
        {
            faults.AddError("must hold at least one profile", nameof(options.Profiles));
        }

        if (options.RevocationGrace < TimeSpan.Zero || options.RevocationGrace > TimeSpan.FromDays(30))
        {
            faults.AddError($"must be between 0 and 30 days, is {options.RevocationGrace}", nameof(options.RevocationGrace));
        }

        if (options.AuditInterval != TimeSpan.Zero
            && (options.AuditInterval < TimeSpan.FromMinutes(10) || options.AuditInterval > TimeSpan.FromDays(7)))
        {
            faults.AddError($"must be 0, or between 10 minutes and 7 days, is {options.AuditInterval}", nameof(options.AuditInterval));
        }

        if (RejectedKeysFault(options) is { } unreadable)
        {
            faults.AddError(unreadable, nameof(options.RejectedKeysFiles));
        }

        foreach (var (profile, settings) in options.Profiles)
        {
            AddProfileFaults(faults, $"{nameof(options.Profiles)}:{profile}", settings);
        }

        foreach (var (issuer, settings) in options.Issuers)
        {
            AddIssuerFaults(faults, $"{nameof(options.Issuers)}:{issuer}", settings);
        }

        return faults.Build();
    }

    private void AddProfileFaults(ValidateOptionsResultBuilder faults, string path, CertificateProfile profile)
    {
        void Require(bool holds, string property, string rule)
        {
            if (!holds)
            {
                faults.AddError(rule, $"{path}:{property}");
            }
        }

        Require(profile.Issuers.Count > 0, nameof(profile.Issuers), "must name at least one issuer");
        Require(
            profile.Lifetime >= TimeSpan.FromHours(1) && profile.Lifetime <= CertificateProfile.LifetimeMax,
            nameof(profile.Lifetime),
            $"must be between 1 hour and 825 days, is {profile.Lifetime}");
        Require(
            profile.Backdate >= TimeSpan.Zero && profile.Backdate <= TimeSpan.FromHours(1),
            nameof(profile.Backdate),
            $"must be between 0 and 1 hour, is {profile.Backdate}");
        Require(
            profile.RsaBitsMin >= 2048 && profile.RsaBitsMin <= profile.RsaBitsMax && profile.RsaBitsMax <= 8192,
            nameof(profile.RsaBitsMin),
            $"must be between 2048 and RsaBitsMax, and that at most 8192; they are {profile.RsaBitsMin} and {profile.RsaBitsMax}");
        Require(
            string.IsNullOrEmpty(profile.Country) || (
                profile.Country.Length == CountryLength && profile.Country.All(char.IsAsciiLetterUpper)),
            nameof(profile.Country),
            "must be two upper-case letters");
        AddTextFault(faults, $"{path}:{nameof(profile.Locality)}", profile.Locality, LocalityLengthMax);
        AddTextFault(faults, $"{path}:{nameof(profile.Organization)}", profile.Organization, AttributeLengthMax);
        AddTextFault(faults, $"{path}:{nameof(profile.OrganizationalUnit)}", profile.OrganizationalUnit, AttributeLengthMax);
        AddNameFaults(faults, $"{path}:{nameof(profile.DnsNames)}", profile.DnsNames, NameTemplate.DnsFault);
        AddNameFaults(faults, $"{path}:{nameof(profile.Uris)}", profile.Uris, NameTemplate.UriFault);
        foreach (var issuer in profile.Issuers)
        {
            AddCapabilityFaults(faults, $"{path}:{nameof(profile.Issuers)}", issuer, profile);
        }
    }

    private static void AddTextFault(ValidateOptionsResultBuilder faults, string path, string? template, int lengthMax)
    {
        if (NameTemplate.UnknownPlaceholder(template) is { } unknown)
        {
            faults.AddError($"has the unknown placeholder {unknown}", path);
        }
        else if ((template?.Length ?? 0) > lengthMax)
        {
            faults.AddError($"must have at most {lengthMax} characters", path);
        }
    }

    private static void AddNameFaults(
        ValidateOptionsResultBuilder faults, string path, IReadOnlyList<string> templates, Func<string, string?> faultOf)
    {
        if (templates.Count > NamesMax)
        {
            faults.AddError($"must be at most {NamesMax}, are {templates.Count}", path);
        }

        for (var index = 0; index < templates.Count; index++)
        {
            if (faultOf(templates[index]) is { } fault)
            {
                faults.AddError($"'{templates[index]}' {fault}", $"{path}:{index}");
            }
        }
    }

    private void AddCapabilityFaults(ValidateOptionsResultBuilder faults, string path, string issuer, CertificateProfile profile)
    {
        if (services.GetKeyedService<ICertificateIssuer>(issuer)?.Capabilities is not { } capabilities)
        {
            faults.AddError($"names '{issuer}', which is not configured as an issuer", path);
            return;
        }

        foreach (var fault in ProfileCapabilities.Faults(profile, capabilities))
        {
            faults.AddError($"names '{issuer}', which {fault}", path);
        }
    }

    private static void AddIssuerFaults(ValidateOptionsResultBuilder faults, string path, IssuerOptions options)
    {
        void Range(bool holds, string property, string range, object value)
        {
            if (!holds)
            {
                faults.AddError($"must be between {range}, is {value}", $"{path}:{property}");
            }
        }

        Range(options.ConcurrencyMax is >= 1 and <= 1024, nameof(options.ConcurrencyMax), "1 and 1024", options.ConcurrencyMax);
        Range(options.RatePerMinute is >= 0 and <= 10_000_000, nameof(options.RatePerMinute), "0 and 10000000", options.RatePerMinute);
        Range(options.QueueMax is >= 1 and <= 100_000, nameof(options.QueueMax), "1 and 100000", options.QueueMax);
        Range(options.BreakAfter is >= 1 and <= 100, nameof(options.BreakAfter), "1 and 100", options.BreakAfter);
        Range(IsSecondToMinute(options.Timeout), nameof(options.Timeout), "1 second and 1 minute", options.Timeout);
        Range(IsSecondToMinute(options.StalledAfter), nameof(options.StalledAfter), "1 second and 1 minute", options.StalledAfter);
        Range(IsSecondToMinute(options.BreakFor), nameof(options.BreakFor), "1 second and 1 minute", options.BreakFor);
        Range(
            options.AsideFor >= Minute && options.AsideFor <= TimeSpan.FromDays(1),
            nameof(options.AsideFor),
            "1 minute and 1 day",
            options.AsideFor);
        if (PemFault(options.TrustedRoots) is { } fault)
        {
            faults.AddError(fault, $"{path}:{nameof(options.TrustedRoots)}");
        }
    }

    private static string? RejectedKeysFault(CertificatesOptions options)
    {
        try
        {
            RejectedKeys.Read(options);
            return null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or FormatException)
        {
            return $"cannot be read: {unreadable.Message}";
        }
    }

    private static bool IsSecondToMinute(TimeSpan time) => time >= TimeSpan.FromSeconds(1) && time <= Minute;

    private static string? PemFault(string pem)
    {
        try
        {
            _ = pem.Length > 0 ? PemCertificates.Read(pem) : [];
            return null;
        }
        catch (CryptographicException fault)
        {
            return $"must hold certificates in PEM: {fault.Message}";
        }
    }
}
