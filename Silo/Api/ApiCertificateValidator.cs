using ControlPlane.Certificates;
using ControlPlane.X509;
using Microsoft.Extensions.Options;

namespace ControlPlane.Api;

/// <summary>Whether the API's certificate and its key can be shown to clients, said before the first of them connects.</summary>
internal sealed class ApiCertificateValidator(TimeProvider time) : IValidateOptions<ApiOptions>
{
    public ValidateOptionsResult Validate(string? name, ApiOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        foreach (var fault in OwnCertificateCheck.Faults(
            options.CertificateFile, options.KeyFile, File.ReadAllText, OwnCertificateCheck.ServerAuthentication, time.GetUtcNow()))
        {
            faults.AddError(fault, nameof(options.CertificateFile));
        }

        return faults.Build();
    }
}
