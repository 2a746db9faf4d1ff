using ControlPlane.Certificates;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Vault;

/// <summary>Whether our client certificate and its key are what the CA's server will take, said before it is asked.</summary>
internal sealed class VaultCredentialsValidator(TimeProvider time) : IValidateOptions<VaultOptions>
{
    public ValidateOptionsResult Validate(string? name, VaultOptions options)
    {
        var found = OwnCertificateCheck.Faults(
            options.Login.CertificateFile,
            options.Login.KeyFile,
            File.ReadAllText,
            OwnCertificateCheck.ClientAuthentication,
            time.GetUtcNow());
        List<string> faults = [.. found.Select(fault => $"{VaultOptions.Section}:{name}:Login:CertificateFile {fault}")];
        if (PemCertificates.FaultOfFile(options.ServerCaFile) is { } unreadable)
        {
            faults.Add($"{VaultOptions.Section}:{name}:{nameof(options.ServerCaFile)} {unreadable}");
        }

        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }
}
