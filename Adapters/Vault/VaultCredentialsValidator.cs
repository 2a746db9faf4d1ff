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
        var faults = new ValidateOptionsResultBuilder();
        foreach (var fault in found)
        {
            faults.AddError(fault, "Login:CertificateFile");
        }

        if (PemCertificates.FaultOfFile(options.ServerCaFile) is { } unreadable)
        {
            faults.AddError(unreadable, nameof(options.ServerCaFile));
        }

        return faults.Build();
    }
}
