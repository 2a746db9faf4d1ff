using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Certificates;

/// <summary>Whether this silo's issuers sign: what they say of themselves, and how they fared with orders.</summary>
public sealed class IssuersHealth
{
    private readonly IServiceProvider services;
    private readonly IssuerDesks desks;

    internal IssuersHealth(IServiceProvider services, IssuerDesks desks) => (this.services, this.desks) = (services, desks);

    /// <summary>Every configured issuer. Repeatable; what they say of themselves may be some seconds old.</summary>
    public async Task<IReadOnlyList<(string Issuer, IssuerHealth Health)>> CheckAsync(CancellationToken cancellationToken)
    {
        // Each is registered under its own name.
        var names = services.GetKeyedServices<ICertificateIssuer>(KeyedService.AnyKey).Select(issuer => issuer.Name);
        return await Task.WhenAll(names.Select(async name => (name, await desks.Of(name).CheckAsync()))).WaitAsync(cancellationToken);
    }
}
