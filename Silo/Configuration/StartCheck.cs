using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Configuration;

/// <summary>Everything that is wrong with the configuration, at once, before anything starts.</summary>
internal static partial class StartCheck
{
    /// <exception cref="ConfigurationRefusedException">There are faults; the message lists them all.</exception>
    public static void ThrowIfFaulty(
        IConfigurationRoot configuration, IReadOnlyList<ConfigurationFault> misshapen, IServiceProvider services)
    {
        // A value that cannot be read was left out, and would be reported a second time as missing.
        var rules = OptionsSections.All.Where(section => !OptionsSections.IsNamed(section.Key))
            .SelectMany(section => RuleFaults(services, section.Key, section.Value))
            .Concat(RegisteredFaults(services))
            .Where(fault => !misshapen.Any(one => ConfigurationSources.IsAtOrBelow(one.Key, fault.Key)));
        var readable = ConfigurationSources.Without(configuration, misshapen);
        var open = Risks.Faults(readable).Concat(SecretFiles.Faults(readable));
        var lines = misshapen.Concat(rules).Concat(open).Select(fault => Describe(configuration, fault))
            .Distinct().Order(StringComparer.Ordinal).ToList();
        if (lines.Count > 0)
        {
            throw new ConfigurationRefusedException(
                $"the configuration has {lines.Count} fault{(lines.Count == 1 ? "" : "s")}:\n  {string.Join("\n  ", lines)}");
        }
    }

    private static string Describe(IConfigurationRoot configuration, ConfigurationFault fault) =>
        ConfigurationSources.Locate(configuration, fault.Key) is { } place
            ? $"{fault.Key} {fault.Detail} ({place})"
            : $"{fault.Key} {fault.Detail}".TrimStart();

    private static IEnumerable<ConfigurationFault> RuleFaults(IServiceProvider services, string section, Type type)
    {
        try
        {
            var options = services.GetService(typeof(IOptions<>).MakeGenericType(type));
            _ = typeof(IOptions<>).MakeGenericType(type).GetProperty(nameof(IOptions<object>.Value))!
                .GetValue(options, System.Reflection.BindingFlags.DoNotWrapExceptions, null, null, null);
            return [];
        }
        catch (OptionsValidationException invalid)
        {
            return [.. invalid.Failures.Select(failure => Locate(section, failure))];
        }
        catch (InvalidOperationException unbound)
        {
            return [new ConfigurationFault(section, $"cannot be read: {unbound.Message}")];
        }
    }

    // Named options, which only their registration knows of.
    private static IEnumerable<ConfigurationFault> RegisteredFaults(IServiceProvider services)
    {
        try
        {
            services.GetService<IStartupValidator>()?.Validate();
            return [];
        }
        catch (OptionsValidationException invalid)
        {
            return Named([invalid]);
        }
        catch (AggregateException several)
        {
            return Named(several.InnerExceptions.OfType<OptionsValidationException>());
        }
    }

    private static IEnumerable<ConfigurationFault> Named(IEnumerable<OptionsValidationException> invalid) =>
        [.. invalid.SelectMany(one => one.Failures.Select(failure => Locate(SectionOf(one), failure)))];

    private static string SectionOf(OptionsValidationException invalid)
    {
        var section = OptionsSections.All.FirstOrDefault(known => known.Value == invalid.OptionsType).Key ?? invalid.OptionsType.Name;
        return invalid.OptionsName.Length == 0 ? section : $"{section}:{invalid.OptionsName}";
    }

    // ValidateOptionsResultBuilder writes "Property Name: what is wrong", the attributes' generator "Name: The field … must be …".
    private static ConfigurationFault Locate(string section, string failure) => Failure().Match(failure) is { Success: true } match
        ? new ConfigurationFault($"{section}:{match.Groups["key"].Value}", match.Groups["detail"].Value)
        : new ConfigurationFault(section, failure);

    [GeneratedRegex(@"^(Property )?(?<key>[A-Za-z0-9_.:*\[\]-]+): (?<detail>.+)$", RegexOptions.Singleline)]
    private static partial Regex Failure();
}

/// <summary>The silo may not start with this configuration; the message is for the operator.</summary>
internal sealed class ConfigurationRefusedException(string message, Exception? inner = null) : Exception(message, inner);
