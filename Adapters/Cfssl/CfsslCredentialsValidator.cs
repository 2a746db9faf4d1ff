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
        List<string> faults = [.. found.Select(fault => $"{CfsslOptions.Section}:{name}:ClientCertificateFile {fault}")];
        foreach (var (setting, file) in new[] { ("ServerCaFile", options.ServerCaFile), ("ChainFile", options.ChainFile) })
        {
            if (PemCertificates.FaultOfFile(file) is { } unreadable)
            {
                faults.Add($"{CfsslOptions.Section}:{name}:{setting} {unreadable}");
            }
        }

        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }
}
