using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Cfssl;

[OptionsValidator]
internal sealed partial class CfsslOptionsRanges : IValidateOptions<CfsslOptions>;

/// <summary>Every fault at once; files are looked for here, and read at start.</summary>
internal sealed class CfsslOptionsValidator : IValidateOptions<CfsslOptions>
{
    public ValidateOptionsResult Validate(string? name, CfsslOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new CfsslOptionsRanges().Validate(name, options));

        // authsign's proof has no time in it: whoever sees one on the wire can use it for ever.
        faults.RequireSafeUrl(options.Url?.OriginalString, nameof(options.Url));
        faults.RequireFile(options.ChainFile, nameof(options.ChainFile), needed: true);
        faults.RequireFile(options.AuthKeyFile, nameof(options.AuthKeyFile), needed: false);
        faults.RequireFile(options.ServerCaFile, nameof(options.ServerCaFile), needed: false);
        faults.RequireFile(options.ClientCertificateFile, nameof(options.ClientCertificateFile), needed: options.ClientKeyFile is not null);
        faults.RequireFile(options.ClientKeyFile, nameof(options.ClientKeyFile), needed: options.ClientCertificateFile is not null);
        return faults.Build();
    }
}
