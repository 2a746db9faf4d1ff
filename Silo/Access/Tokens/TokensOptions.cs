using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Access tokens of programs. Section <c>Access:Tokens</c>.</summary>
public sealed class TokensOptions
{
    public const string Section = "Access:Tokens";

    /// <summary>
    /// Files of bearer tokens, a token on each line: its holder's name, then the token or <c>sha256:</c> and the SHA-256 of it in
    /// hexadecimal; after these, in any order, <c>id=</c> (a name for it in the audit), <c>roles=</c> (names joined by commas) and
    /// <c>expires=</c> (a date, or an instant such as <c>2027-01-31T12:00:00Z</c>). <c>#</c> begins a comment. They are read again when
    /// they change. None by default.
    /// </summary>
    public List<string> Files { get; set; } = [];
}

internal sealed class TokensOptionsValidator : IValidateOptions<TokensOptions>
{
    public ValidateOptionsResult Validate(string? name, TokensOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        foreach (var (index, path) in options.Files.Index())
        {
            foreach (var fault in TokenFile.Read(path).Faults)
            {
                faults.AddError(fault, $"{nameof(options.Files)}:{index}");
            }
        }

        return faults.Build();
    }
}
