using ControlPlane.Certificates;
using ControlPlane.X509;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Http;

/// <summary>The files that an adapter's TLS is made of, by their settings.</summary>
/// <param name="Setting">The setting of our certificate, for messages.</param>
/// <param name="CertificateFile">Our certificate; null for none.</param>
/// <param name="KeyFile">Its key.</param>
/// <param name="Purpose">The extended key usage that it must have; null when nobody looks.</param>
/// <param name="Authorities">Files of CAs, each with its setting.</param>
public sealed record TlsFiles(
    string Setting, string? CertificateFile, string? KeyFile, string? Purpose, params (string Setting, string? File)[] Authorities);

/// <summary>Whether our certificate and its key are what the CA's server will take, said before it is asked.</summary>
public sealed class TlsFilesValidator<TOptions>(TimeProvider time, Func<TOptions, TlsFiles> filesOf) : IValidateOptions<TOptions>
    where TOptions : class
{
    public ValidateOptionsResult Validate(string? name, TOptions options)
    {
        var (setting, certificate, key, purpose, authorities) = filesOf(options);
        var faults = new ValidateOptionsResultBuilder();
        foreach (var fault in OwnCertificateCheck.Faults(certificate, key, File.ReadAllText, purpose, time.GetUtcNow()))
        {
            faults.AddError(fault, setting);
        }

        foreach (var (named, file) in authorities)
        {
            if (PemCertificates.FaultOfFile(file) is { } unreadable)
            {
                faults.AddError(unreadable, named);
            }
        }

        return faults.Build();
    }
}
