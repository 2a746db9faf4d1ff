using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>Every fault at once; files are looked for here, and read when they are needed.</summary>
internal sealed class KeyVaultOptionsValidator : IValidateOptions<KeyVaultOptions>
{
    private const int ConcurrencyCeiling = 256;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    public ValidateOptionsResult Validate(string? name, KeyVaultOptions options)
    {
        var faults = new List<string>();
        void Require(bool holds, string property, string rule)
        {
            if (!holds)
            {
                faults.Add($"{KeyVaultOptions.Section}:{name}:{property} {rule}");
            }
        }

        void RequireFile(string? path, string property, bool needed) => Require(
            string.IsNullOrEmpty(path) ? !needed : File.Exists(path),
            property,
            string.IsNullOrEmpty(path) ? "must name a file" : $"names '{path}', which is not there or may not be read");

        Require(options.Url is { IsAbsoluteUri: true, Scheme: "https" }, nameof(options.Url), "must be an https address");
        Require(options.Certificate.Length > 0, nameof(options.Certificate), "must name a certificate");
        RequireFile(options.ChainFile, nameof(options.ChainFile), needed: false);
        Require(options.SignaturesPerTenSeconds is null or > 0, nameof(options.SignaturesPerTenSeconds), "must be positive");
        Require(
            options.TurnWaitMax >= TimeSpan.Zero && options.TurnWaitMax <= Minute,
            nameof(options.TurnWaitMax),
            $"must be at most 1 minute, is {options.TurnWaitMax}");
        Require(
            options.Timeout >= TimeSpan.FromSeconds(1) && options.Timeout <= 2 * Minute,
            nameof(options.Timeout),
            $"must be between 1 second and 2 minutes, is {options.Timeout}");
        Require(
            options.ConcurrencyMax is >= 1 and <= ConcurrencyCeiling,
            nameof(options.ConcurrencyMax),
            $"must be between 1 and {ConcurrencyCeiling}, is {options.ConcurrencyMax}");

        const string path = nameof(options.Credential);
        var credential = options.Credential;
        var named = credential.Kind is KeyVaultCredentialKind.ClientCertificate or KeyVaultCredentialKind.ClientSecret;
        Require(
            Enum.IsDefined(credential.Kind),
            $"{path}:{nameof(credential.Kind)}",
            "must be ManagedIdentity, WorkloadIdentity, ClientCertificate or ClientSecret");
        Require(
            !named || !string.IsNullOrEmpty(credential.TenantId),
            $"{path}:{nameof(credential.TenantId)}",
            $"must be given for {credential.Kind}");
        Require(
            !named || !string.IsNullOrEmpty(credential.ClientId),
            $"{path}:{nameof(credential.ClientId)}",
            $"must be given for {credential.Kind}");
        RequireFile(
            credential.CertificateFile,
            $"{path}:{nameof(credential.CertificateFile)}",
            credential.Kind is KeyVaultCredentialKind.ClientCertificate);
        RequireFile(
            credential.SecretFile, $"{path}:{nameof(credential.SecretFile)}", credential.Kind is KeyVaultCredentialKind.ClientSecret);
        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }
}
