using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Vault;

[OptionsValidator]
internal sealed partial class VaultOptionsRanges : IValidateOptions<VaultOptions>;

[OptionsValidator]
internal sealed partial class VaultLoginRanges : IValidateOptions<VaultLoginOptions>;

/// <summary>Every fault at once; files are looked for here, and read when they are needed.</summary>
internal sealed class VaultOptionsValidator : IValidateOptions<VaultOptions>
{
    public ValidateOptionsResult Validate(string? name, VaultOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new VaultOptionsRanges().Validate(name, options));
        faults.RequireSafeUrl(options.Url?.OriginalString, nameof(options.Url));
        faults.RequireFile(options.ServerCaFile, nameof(options.ServerCaFile), needed: false);
        AddLoginFaults(faults, options);
        return faults.Build();
    }

    private static void AddLoginFaults(ValidateOptionsResultBuilder faults, VaultOptions options)
    {
        const string path = nameof(VaultOptions.Login);
        var login = options.Login;
        var method = login.Method;
        faults.AddUnder(path, new VaultLoginRanges().Validate(null, login));
        faults.Require(
            method is not (VaultLoginMethod.Certificate or VaultLoginMethod.Kubernetes) || !string.IsNullOrEmpty(login.Role),
            $"{path}:{nameof(login.Role)}",
            $"must be given for {method}");
        faults.Require(
            method is not VaultLoginMethod.Certificate || options.Url?.Scheme == "https",
            nameof(options.Url),
            "must be https to log in by certificate");
        faults.RequireFile(login.TokenFile, $"{path}:{nameof(login.TokenFile)}", method is VaultLoginMethod.Token);
        faults.RequireFile(login.RoleIdFile, $"{path}:{nameof(login.RoleIdFile)}", method is VaultLoginMethod.AppRole);
        faults.RequireFile(login.SecretIdFile, $"{path}:{nameof(login.SecretIdFile)}", method is VaultLoginMethod.AppRole);
        var certificate = method is VaultLoginMethod.Certificate;
        faults.RequireFile(login.CertificateFile, $"{path}:{nameof(login.CertificateFile)}", certificate || login.KeyFile is not null);
        faults.RequireFile(login.KeyFile, $"{path}:{nameof(login.KeyFile)}", certificate || login.CertificateFile is not null);
        if (method is VaultLoginMethod.Kubernetes)
        {
            faults.RequireFile(login.JwtFile, $"{path}:{nameof(login.JwtFile)}", needed: true);
        }
    }
}
