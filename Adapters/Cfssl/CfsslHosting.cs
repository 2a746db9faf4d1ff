using ControlPlane.Adapters.Cfssl;
using ControlPlane.Adapters.Http;
using ControlPlane.Certificates;
using ControlPlane.X509;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Adds certificate authorities that are a <c>cfssl serve</c>.</summary>
public static class CfsslHosting
{
    /// <summary>
    /// Adds one issuer for each entry of the configuration section <c>Cfssl</c>; the entry's name is the issuer's. Its CA and profile are
    /// checked at start: what is wrong stops the silo, a CA that is away does not.
    /// </summary>
    public static ISiloBuilder AddCfssl(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<IValidateOptions<CfsslOptions>, CfsslOptionsValidator>();
        silo.Services.AddSingleton<IValidateOptions<CfsslOptions>>(services => new TlsFilesValidator<CfsslOptions>(
            services.GetRequiredService<TimeProvider>(),
            options => new TlsFiles(
                nameof(options.ClientCertificateFile),
                options.ClientCertificateFile,
                options.ClientKeyFile,
                OwnCertificateCheck.ClientAuthentication,
                (nameof(options.ServerCaFile), options.ServerCaFile),
                (nameof(options.ChainFile), options.ChainFile))));
        return silo.AddIssuers<CfsslOptions>(CfsslOptions.Section, Open);
    }

    internal static CfsslIssuer Open(string name, CfsslOptions options, IServiceProvider services) => new(
        name, options, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<CfsslIssuer>>());
}
