using ControlPlane;
using ControlPlane.Certificates;
using ControlPlane.Flow;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers the issuance of certificates.</summary>
public static class CertificatesHosting
{
    /// <summary>
    /// Adds the issuance grains, the revocation sweep and the audit, configured by the section <c>Certificates</c>. Needs an
    /// <see cref="ICertificateLedger"/>, the <see cref="ControlPlane.Store.ILog"/> of certificates, and an
    /// <see cref="ICertificateIssuer"/> registered under each name that a profile names.
    /// </summary>
    public static ISiloBuilder AddCertificates(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<CertificatesOptions>().BindConfiguration(CertificatesOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<CertificatesOptions>, CertificatesOptionsValidator>();

        silo.Services.AddGuardedIssuers();
        silo.Services.AddKeyedSingleton<ICertificateIssuer, HelperCertificates>(HelperCertificates.IssuerName);
        silo.Services.AddSingleton<KeyAdmission>();
        silo.Services.AddSingleton<LedgerLog>();
        silo.Services.AddSingleton<OrphanSearch>();
        silo.Services.AddSingleton<WeakPairSearch>();
        silo.Services.AddSingleton<IssuerRounds>();
        silo.Services.AddRounds<IssuerRounds>(issuers => [.. issuers.Sweeps, .. issuers.Publications, .. issuers.Audits]);
        return silo;
    }

    /// <summary>Adds what stands before every issuer, and asks each at start whether it is what it is configured to be.</summary>
    internal static IServiceCollection AddGuardedIssuers(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
        services.AddSingleton<CertificatesMeter>();
        services.AddSingleton<ProfileTrials>();
        services.AddSingleton(provider => new GuardedIssuers(
            provider,
            provider.GetRequiredService<IOptions<CertificatesOptions>>(),
            provider.GetRequiredService<ProfileTrials>(),
            provider.GetRequiredService<CertificatesMeter>(),
            provider.GetRequiredService<TimeProvider>()));
        return services.AddHostedService<IssuersStart>();
    }
}
