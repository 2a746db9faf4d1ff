using ControlPlane.Certificates;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>Whether our client certificate and its key are what the CA's server will take, said before it is asked.</summary>
internal sealed class CfsslCredentialsValidator(TimeProvider time) : IValidateOptions<CfsslOptions>
{
    public ValidateOptionsResult Validate(string? name, CfsslOptions options)
    {
        var found = OwnCertificateCheck.Faults(
            options.ClientCertificateFile,
            options.ClientKeyFile,
            File.ReadAllText,
            OwnCertificateCheck.ClientAuthentication,
            time.GetUtcNow());
        var faults = new ValidateOptionsResultBuilder();
        foreach (var fault in found)
        {
            faults.AddError(fault, "ClientCertificateFile");
        }

        foreach (var (setting, file) in new[] { ("ServerCaFile", options.ServerCaFile), ("ChainFile", options.ChainFile) })
        {
            if (PemCertificates.FaultOfFile(file) is { } unreadable)
            {
                faults.AddError(unreadable, setting);
            }
        }

        return faults.Build();
    }
}
