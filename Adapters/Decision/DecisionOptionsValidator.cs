using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Decision;

[OptionsValidator]
internal sealed partial class DecisionOptionsRanges : IValidateOptions<DecisionOptions>;

/// <summary>At most one of program and web hook, and neither of them out of reach.</summary>
internal sealed class DecisionOptionsValidator : IValidateOptions<DecisionOptions>
{
    public ValidateOptionsResult Validate(string? name, DecisionOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new DecisionOptionsRanges().Validate(name, options));
        if (options.Program is not null && options.Url is not null)
        {
            faults.AddError("give a program or a web hook, not both", nameof(options.Url));
        }

        if (options.Program is { } program && !File.Exists(program))
        {
            faults.AddError($"there is no program '{program}'", nameof(options.Program));
        }

        if (options.Url is { } url)
        {
            faults.RequireSafeUrl(url, nameof(options.Url));
        }

        faults.RequireFile(options.TokenFile, nameof(options.TokenFile), needed: false);
        return faults.Build();
    }
}
