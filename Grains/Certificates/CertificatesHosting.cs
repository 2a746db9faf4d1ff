using ControlPlane;
using ControlPlane.Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers the issuance of certificates.</summary>
public static class CertificatesHosting
{
    /// <summary>
    /// Adds the issuance grains, the revocation sweep and the audit, configured by the section <c>Certificates</c>. Needs an
    /// <see cref="ICertificateLedger"/>, and an <see cref="ICertificateIssuer"/> registered under each name that a profile names.
    /// </summary>
    public static ISiloBuilder AddCertificates(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<CertificatesOptions>().BindConfiguration(CertificatesOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<CertificatesOptions>, CertificatesOptionsValidator>();

        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton<GuardedIssuers>();
        silo.Services.AddSingleton(services => new IssuersHealth(services, services.GetRequiredService<GuardedIssuers>()));
        silo.Services.AddSingleton(services => new IssuerChainEnds(services.GetRequiredService<GuardedIssuers>()));
        silo.Services.AddKeyedSingleton<ICertificateIssuer, HelperCertificates>(HelperCertificates.IssuerName);
        silo.Services.AddSingleton<KeyAdmission>();
        silo.Services.AddSingleton<OrderRecord>();
        silo.Services.AddSingleton<ProfileTrials>();
        silo.Services.AddSingleton<OrderAttempt>();
        silo.Services.AddSingleton<OrderExecution>();
        silo.Services.AddSingleton<OrderReplay>();
        silo.Services.AddSingleton<RevocationSettlement>();
        silo.Services.AddSingleton<OrphanSearch>();
        silo.Services.AddSingleton<WeakPairSearch>();
        silo.Services.AddSingleton<AuditSearches>();
        silo.Services.AddMetrics();
        silo.Services.AddSingleton<CertificatesMeter>();
        silo.Services.AddHostedService<ProfilesStart>();
        silo.Services.AddSingleton<IssuerRounds>();
        silo.Services.AddRounds<IssuerRounds>(issuers => [.. issuers.Sweeps, .. issuers.Audits]);
        return silo;
    }
}
