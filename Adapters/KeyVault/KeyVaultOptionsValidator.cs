using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.KeyVault;

[OptionsValidator]
internal sealed partial class KeyVaultOptionsRanges : IValidateOptions<KeyVaultOptions>;

[OptionsValidator]
internal sealed partial class KeyVaultCredentialRanges : IValidateOptions<KeyVaultCredentialOptions>;

/// <summary>Every fault at once; files are looked for here, and read when they are needed.</summary>
internal sealed class KeyVaultOptionsValidator : IValidateOptions<KeyVaultOptions>
{
    public ValidateOptionsResult Validate(string? name, KeyVaultOptions options)
    {
        const string path = nameof(options.Credential);
        var credential = options.Credential;
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new KeyVaultOptionsRanges().Validate(name, options));
        faults.AddUnder(path, new KeyVaultCredentialRanges().Validate(name, credential));
        faults.Require(options.Url is { IsAbsoluteUri: true, Scheme: "https" }, nameof(options.Url), "must be an https address");
        faults.RequireFile(options.ChainFile, nameof(options.ChainFile), needed: false);

        var named = credential.Kind is KeyVaultCredentialKind.ClientCertificate or KeyVaultCredentialKind.ClientSecret;
        faults.Require(
            !named || !string.IsNullOrEmpty(credential.TenantId),
            $"{path}:{nameof(credential.TenantId)}",
            $"must be given for {credential.Kind}");
        faults.Require(
            !named || !string.IsNullOrEmpty(credential.ClientId),
            $"{path}:{nameof(credential.ClientId)}",
            $"must be given for {credential.Kind}");
        faults.RequireFile(
            credential.CertificateFile,
            $"{path}:{nameof(credential.CertificateFile)}",
            credential.Kind is KeyVaultCredentialKind.ClientCertificate);
        faults.RequireFile(
            credential.SecretFile, $"{path}:{nameof(credential.SecretFile)}", credential.Kind is KeyVaultCredentialKind.ClientSecret);
        return faults.Build();
    }
}
