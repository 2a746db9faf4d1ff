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
        var faults = new ValidateOptionsResultBuilder();
        foreach (var fault in found)
        {
            faults.AddError(fault, "Credential:CertificateFile");
        }

        if (PemCertificates.FaultOfFile(options.ChainFile) is { } unreadable)
        {
            faults.AddError(unreadable, nameof(options.ChainFile));
        }

        return faults.Build();
    }
}
