using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Opa;

internal sealed partial class OpaOptionsValidator : IValidateOptions<OpaOptions>
{
    public ValidateOptionsResult Validate(string? name, OpaOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        if (options.Url is { } url)
        {
            faults.RequireSafeUrl(url, nameof(options.Url));
        }

        faults.Require(
            DocumentPath().IsMatch(options.Path),
            nameof(options.Path),
            $"is a path of names with slashes between them, such as controlplane/allow, is '{options.Path}'");
        faults.RequireFile(options.TokenFile, nameof(options.TokenFile), needed: false);
        return faults.Build();
    }

    [GeneratedRegex("^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")]
    private static partial Regex DocumentPath();
}
