using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Placement;

/// <summary>Judges the region's overlays as configured; every fault at once.</summary>
internal sealed class OverlaysOptionsValidator : IValidateOptions<OverlaysOptions>
{
    private const int NameLengthMax = 63;
    private const int HardLimitMax = 100_000;

    public ValidateOptionsResult Validate(string? name, OverlaysOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        if (!IsName(options.Region))
        {
            faults.AddError("must be 1 to 63 characters of a-z, 0-9 and '-'", nameof(options.Region));
        }

        if (!options.Members.ContainsKey(options.Local))
        {
            faults.AddError($"must name one of {nameof(options.Members)}, is '{options.Local}'", nameof(options.Local));
        }

        if (options.Leader is { } home && !options.Members.ContainsKey(home))
        {
            faults.AddError($"must name one of {nameof(options.Members)}, is '{home}'", nameof(options.Leader));
        }

        if (options.LeaderPatience < TimeSpan.FromSeconds(0.1) || options.LeaderPatience > TimeSpan.FromSeconds(30))
        {
            faults.AddError($"must be between 0.1 and 30 seconds, is {options.LeaderPatience}", nameof(options.LeaderPatience));
        }

        if (options.LeaseLifetime < TimeSpan.FromMinutes(1) || options.LeaseLifetime > TimeSpan.FromDays(1))
        {
            faults.AddError($"must be between 1 minute and 1 day, is {options.LeaseLifetime}", nameof(options.LeaseLifetime));
        }

        foreach (var (overlay, member) in options.Members)
        {
            Judge($"{nameof(options.Members)}:{overlay}", overlay, member, faults);
        }

        return faults.Build();
    }

    private static void Judge(string at, string overlay, OverlayOptions member, ValidateOptionsResultBuilder faults)
    {
        if (!IsName(overlay) || overlay == FleetStreams.ProvisioningNetwork)
        {
            faults.AddError("an overlay's name is 1 to 63 characters of a-z, 0-9 and '-', and not 'provisioning'", at);
        }

        if (member.Brokers.Count == 0)
        {
            faults.AddError("at least one broker is needed", $"{at}:{nameof(member.Brokers)}");
        }

        foreach (var broker in member.Brokers.Where(broker => !Uri.TryCreate(broker, UriKind.Absolute, out _)))
        {
            faults.AddError($"'{broker}' is not a URL", $"{at}:{nameof(member.Brokers)}");
        }

        if (member.Collectives.Count == 0 || member.Collectives.Any(string.IsNullOrWhiteSpace))
        {
            faults.AddError("at least one collective is needed, none of them empty", $"{at}:{nameof(member.Collectives)}");
        }

        if (member.HardLimit is < 1 or > HardLimitMax)
        {
            faults.AddError($"must be between 1 and {HardLimitMax}, is {member.HardLimit}", $"{at}:{nameof(member.HardLimit)}");
        }

        if (member.SoftLimit < 1 || member.SoftLimit > member.HardLimit)
        {
            faults.AddError($"must be between 1 and the hard limit, is {member.SoftLimit}", $"{at}:{nameof(member.SoftLimit)}");
        }

        JudgeTexts(at, member, faults);
    }

    private static void JudgeTexts(string at, OverlayOptions member, ValidateOptionsResultBuilder faults)
    {
        if (string.IsNullOrWhiteSpace(member.CertificateProfile))
        {
            faults.AddError("must name a certificate profile", $"{at}:{nameof(member.CertificateProfile)}");
        }

        foreach (var (key, value) in member.Configuration)
        {
            if (key.Length == 0 || key.AsSpan().ContainsAny("=\r\n") || value.AsSpan().ContainsAny('\r', '\n'))
            {
                faults.AddError("is one line of server.conf: no line breaks, no '=' in the name",
                    $"{at}:{nameof(member.Configuration)}:{key}");
            }
        }

        foreach (var file in member.ActionPolicies.Keys.Where(file => !IsFileName(file, ".policy")))
        {
            faults.AddError("must be a file name that ends in .policy", $"{at}:{nameof(member.ActionPolicies)}:{file}");
        }

        foreach (var file in member.OpaPolicies.Keys.Where(file => !IsFileName(file, ".rego")))
        {
            faults.AddError("must be a file name that ends in .rego", $"{at}:{nameof(member.OpaPolicies)}:{file}");
        }
    }

    // The node writes these files below its own policy folder: a separator in the name would leave it.
    private static bool IsFileName(string file, string suffix) =>
        file.Length > suffix.Length && file.EndsWith(suffix, StringComparison.Ordinal) && !file.AsSpan().ContainsAny('/', '\\');

    private static bool IsName(string name) =>
        name.Length is > 0 and <= NameLengthMax && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
