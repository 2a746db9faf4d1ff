using System.Text.RegularExpressions;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Placement;

[OptionsValidator]
internal sealed partial class OverlaysOptionsRanges : IValidateOptions<OverlaysOptions>;

[OptionsValidator]
internal sealed partial class OverlayOptionsRanges : IValidateOptions<OverlayOptions>;

/// <summary>Judges the region's overlays as configured; every fault at once.</summary>
internal sealed partial class OverlaysOptionsValidator : IValidateOptions<OverlaysOptions>
{
    public ValidateOptionsResult Validate(string? name, OverlaysOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new OverlaysOptionsRanges().Validate(name, options));
        if (!options.Members.ContainsKey(options.Local))
        {
            faults.AddError($"must name one of {nameof(options.Members)}, is '{options.Local}'", nameof(options.Local));
        }

        if (options.Leader is { } leader && !options.Members.ContainsKey(leader))
        {
            faults.AddError($"must name one of {nameof(options.Members)}, is '{leader}'", nameof(options.Leader));
        }

        foreach (var (overlay, member) in options.Members)
        {
            var at = $"{nameof(options.Members)}:{overlay}";
            Judge(at, overlay, member, faults);
            if (member.ServedBy is { } site && (!options.Members.ContainsKey(site) || options.ServedBy(site) != site))
            {
                faults.AddError(
                    $"must name one of {nameof(options.Members)} that has silos of its own, is '{site}'", $"{at}:{nameof(member.ServedBy)}");
            }
        }

        return faults.Build();
    }

    private static void Judge(string at, string overlay, OverlayOptions member, ValidateOptionsResultBuilder faults)
    {
        faults.AddUnder(at, new OverlayOptionsRanges().Validate(null, member));
        if (!Name().IsMatch(overlay) || overlay == FleetStreams.ProvisioningNetwork)
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

        if (member.SoftLimit < 1 || member.SoftLimit > member.HardLimit)
        {
            faults.AddError($"must be between 1 and the hard limit, is {member.SoftLimit}", $"{at}:{nameof(member.SoftLimit)}");
        }

        JudgeTexts(at, member, faults);
    }

    private static void JudgeTexts(string at, OverlayOptions member, ValidateOptionsResultBuilder faults)
    {
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

    [GeneratedRegex(OverlaysOptions.Name)]
    private static partial Regex Name();
}
