using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Certificates;

/// <summary>What an audit looks with, and where its counts go.</summary>
internal sealed class AuditSearches(IServiceProvider services, OrphanSearch orphans, WeakPairSearch weakPairs, CertificatesMeter meter)
{
    public OrphanSearch Orphans => orphans;

    public WeakPairSearch WeakPairs => weakPairs;

    public CertificatesMeter Meter => meter;

    /// <summary>The list of what an issuer signed; null when it keeps none.</summary>
    public IIssuedCertificateCatalog? CatalogOrNull(string issuer) =>
        services.GetKeyedService<ICertificateIssuer>(issuer) as IIssuedCertificateCatalog;
}
