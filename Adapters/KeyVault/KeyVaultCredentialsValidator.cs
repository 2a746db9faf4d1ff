using ControlPlane.Certificates;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>Whether our client certificate and its key are what the CA's server will take, said before it is asked.</summary>
internal sealed class KeyVaultCredentialsValidator(TimeProvider time) : IValidateOptions<KeyVaultOptions>
{
    public ValidateOptionsResult Validate(string? name, KeyVaultOptions options)
    {
        var found = OwnCertificateCheck.Faults(
            options.Credential.CertificateFile,
            options.Credential.CertificateFile,
            File.ReadAllText,
            purpose: null,
            time.GetUtcNow());
        List<string> faults = [.. found.Select(fault => $"{KeyVaultOptions.Section}:{name}:Credential:CertificateFile {fault}")];
        if (PemCertificates.FaultOfFile(options.ChainFile) is { } unreadable)
        {
            faults.Add($"{KeyVaultOptions.Section}:{name}:{nameof(options.ChainFile)} {unreadable}");
        }

        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }
}
