using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Command;

/// <summary>
/// The helper of Choria Provisioner, unmodified: asked for each node that enrols, once its keys are made. Section <c>Helper</c>.
/// None without <c>Program</c>.
/// </summary>
public sealed class HelperOptions : ProgramOptions
{
    public const string Section = "Helper";
}

[OptionsValidator]
internal sealed partial class HelperOptionsRanges : IValidateOptions<HelperOptions>;

/// <summary>The ranges, where there is a helper at all, and that it is there.</summary>
internal sealed class HelperOptionsValidator : IValidateOptions<HelperOptions>
{
    public ValidateOptionsResult Validate(string? name, HelperOptions options) =>
        options.Program.Length == 0 ? ValidateOptionsResult.Success
        : !File.Exists(options.Program) ? ValidateOptionsResult.Fail($"{nameof(options.Program)}: there is no program '{options.Program}'")
        : new HelperOptionsRanges().Validate(name, options);
}
