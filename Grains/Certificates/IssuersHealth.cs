using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Certificates;

/// <summary>Whether this silo's issuers sign: what they say of themselves, and how they fared with orders.</summary>
public sealed class IssuersHealth
{
    private readonly IServiceProvider services;
    private readonly GuardedIssuers issuers;

    internal IssuersHealth(IServiceProvider services, GuardedIssuers issuers) => (this.services, this.issuers) = (services, issuers);

    /// <summary>Every configured issuer. Repeatable; what they say of themselves may be some seconds old.</summary>
    public async Task<IReadOnlyList<(string Issuer, IssuerHealth Health)>> CheckAsync(CancellationToken cancellationToken)
    {
        // Each is registered under its own name.
        var names = services.GetKeyedServices<ICertificateIssuer>(KeyedService.AnyKey).Select(issuer => issuer.Name);
        return await Task.WhenAll(names.Select(async name => (name, await issuers.Of(name).CheckAsync()))).WaitAsync(cancellationToken);
    }
}
