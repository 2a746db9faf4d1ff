using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>The desks of this silo's issuers, each opened when it is first asked for.</summary>
internal sealed class IssuerDesks(
    IServiceProvider services, IOptions<CertificatesOptions> options, CertificatesMeter meter, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<IssuerDesk>> desks = new(StringComparer.Ordinal);

    /// <exception cref="IssuerMisconfiguredException">There is no such issuer.</exception>
    public IssuerDesk Of(string issuer) => desks.GetOrAdd(issuer, name => new Lazy<IssuerDesk>(() => Open(name))).Value;

    /// <summary>How a lost answer of an issuer is found again; one that is gone from the configuration tells nothing.</summary>
    public Recovery RecoveryOf(string issuer) =>
        services.GetKeyedService<ICertificateIssuer>(issuer) is null ? Recovery.None : Of(issuer).Recovery;

    /// <summary>What revokes an issuer's certificates; null when nothing does.</summary>
    public ICertificateRevoker? RevokerOrNull(string issuer) =>
        services.GetKeyedService<ICertificateRevoker>(issuer)
            ?? services.GetKeyedService<ICertificateIssuer>(issuer) as ICertificateRevoker;

    /// <summary>The desks that were opened.</summary>
    public IEnumerable<IssuerDesk> Opened => desks.Values.Where(desk => desk.IsValueCreated).Select(desk => desk.Value);

    public void Dispose()
    {
        foreach (var desk in Opened)
        {
            desk.Dispose();
        }
    }

    private IssuerDesk Open(string name)
    {
        var issuer = services.GetKeyedService<ICertificateIssuer>(name)
            ?? throw new IssuerMisconfiguredException($"no issuer '{name}' is configured");
        var desk = new IssuerDesk(issuer, options.Value.Issuers.GetValueOrDefault(name) ?? new IssuerOptions(), meter, time);
        meter.Watch(desk);
        return desk;
    }
}
