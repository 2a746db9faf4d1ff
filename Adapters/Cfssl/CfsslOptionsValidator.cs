using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>Every fault at once; files are looked for here, and read at start.</summary>
internal sealed class CfsslOptionsValidator : IValidateOptions<CfsslOptions>
{
    private const int ConcurrencyCeiling = 64;
    private static readonly TimeSpan TimeoutCeiling = TimeSpan.FromMinutes(2);

    public ValidateOptionsResult Validate(string? name, CfsslOptions options)
    {
        var faults = new List<string>();
        void Require(bool holds, string property, string rule)
        {
            if (!holds)
            {
                faults.Add($"{CfsslOptions.Section}:{name}:{property} {rule}");
            }
        }

        void RequireFile(string? path, string property, bool needed) => Require(
            string.IsNullOrEmpty(path) ? !needed : File.Exists(path),
            property,
            string.IsNullOrEmpty(path) ? "must name a file" : $"names '{path}', which is not there or may not be read");

        // authsign's proof has no time in it: whoever sees one on the wire can use it for ever.
        Require(
            options.Url is { IsAbsoluteUri: true } url && (url.Scheme == "https" || (url.Scheme == "http" && url.IsLoopback)),
            nameof(options.Url),
            "must be an https address, or http on the loopback");
        Require(options.Profile.Length > 0, nameof(options.Profile), "must name a signing profile");
        RequireFile(options.ChainFile, nameof(options.ChainFile), needed: true);
        RequireFile(options.AuthKeyFile, nameof(options.AuthKeyFile), needed: false);
        Require(Enum.IsDefined(options.Revocation), nameof(options.Revocation), "must be None, Database or DatabaseAndList");
        RequireFile(options.ServerCaFile, nameof(options.ServerCaFile), needed: false);
        RequireFile(options.ClientCertificateFile, nameof(options.ClientCertificateFile), needed: options.ClientKeyFile is not null);
        RequireFile(options.ClientKeyFile, nameof(options.ClientKeyFile), needed: options.ClientCertificateFile is not null);
        Require(
            options.Timeout >= TimeSpan.FromSeconds(1) && options.Timeout <= TimeoutCeiling,
            nameof(options.Timeout),
            $"must be between 1 second and 2 minutes, is {options.Timeout}");
        Require(
            options.ConcurrencyMax is >= 1 and <= ConcurrencyCeiling,
            nameof(options.ConcurrencyMax),
            $"must be between 1 and {ConcurrencyCeiling}, is {options.ConcurrencyMax}");
        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }
}
