using ControlPlane.Adapters.Http;
using ControlPlane.Adapters.Vault;
using ControlPlane.Certificates;
using ControlPlane.X509;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Adds certificate authorities that are a PKI mount of Vault or OpenBao.</summary>
public static class VaultHosting
{
    /// <summary>
    /// Adds one issuer for each entry of the configuration section <c>Vault</c>; the entry's name is the issuer's. It logs in at start:
    /// what is wrong stops the silo, a Vault that is away or sealed does not.
    /// </summary>
    public static ISiloBuilder AddVault(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<IValidateOptions<VaultOptions>, VaultOptionsValidator>();
        silo.Services.AddSingleton<IValidateOptions<VaultOptions>>(services => new TlsFilesValidator<VaultOptions>(
            services.GetRequiredService<TimeProvider>(),
            options => new TlsFiles(
                $"{nameof(options.Login)}:{nameof(options.Login.CertificateFile)}",
                options.Login.CertificateFile,
                options.Login.KeyFile,
                OwnCertificateCheck.ClientAuthentication,
                (nameof(options.ServerCaFile), options.ServerCaFile))));
        return silo.AddIssuers<VaultOptions>(VaultOptions.Section, (name, options, services) =>
            new VaultIssuer(name, options, services.GetRequiredService<TimeProvider>(), new Random()));
    }
}
