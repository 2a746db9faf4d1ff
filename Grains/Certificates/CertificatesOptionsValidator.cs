using System.Security.Cryptography;
using ControlPlane.X509;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

[OptionsValidator]
internal sealed partial class CertificatesOptionsRanges : IValidateOptions<CertificatesOptions>;

[OptionsValidator]
internal sealed partial class CertificateProfileRanges : IValidateOptions<CertificateProfile>;

[OptionsValidator]
internal sealed partial class IssuerOptionsRanges : IValidateOptions<IssuerOptions>;

/// <summary>Holds profiles to the issuers that there are and to what these can do.</summary>
internal sealed class CertificatesOptionsValidator(IServiceProvider services) : IValidateOptions<CertificatesOptions>
{
    // The bounds of X.520, which CAs and clients enforce each in their own way.
    private const int AttributeLengthMax = 64;
    private const int LocalityLengthMax = 128;
    private const int NamesMax = 8;

    public ValidateOptionsResult Validate(string? name, CertificatesOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new CertificatesOptionsRanges().Validate(name, options));
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
            var path = $"{nameof(options.Issuers)}:{issuer}";
            faults.AddUnder(path, new IssuerOptionsRanges().Validate(null, settings));
            if (PemFault(settings.TrustedRoots) is { } fault)
            {
                faults.AddError(fault, $"{path}:{nameof(settings.TrustedRoots)}");
            }
        }

        return faults.Build();
    }

    private void AddProfileFaults(ValidateOptionsResultBuilder faults, string path, CertificateProfile profile)
    {
        faults.AddUnder(path, new CertificateProfileRanges().Validate(null, profile));
        faults.Require(
            profile.RsaBitsMin >= 2048 && profile.RsaBitsMin <= profile.RsaBitsMax && profile.RsaBitsMax <= 8192,
            $"{path}:{nameof(profile.RsaBitsMin)}",
            $"must be between 2048 and RsaBitsMax, and that at most 8192; they are {profile.RsaBitsMin} and {profile.RsaBitsMax}");
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
