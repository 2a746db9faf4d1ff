using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Command;

[OptionsValidator]
internal sealed partial class CommandOptionsRanges : IValidateOptions<CommandOptions>;

/// <summary>The ranges, for named options only: the section itself holds none.</summary>
internal sealed class CommandOptionsValidator : IValidateOptions<CommandOptions>
{
    public ValidateOptionsResult Validate(string? name, CommandOptions options) => string.IsNullOrEmpty(name)
        ? ValidateOptionsResult.Skip
        : new CommandOptionsRanges().Validate(name, options);
}
