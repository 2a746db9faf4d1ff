using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>This silo's issuers, each opened when it is first asked for.</summary>
internal sealed class GuardedIssuers(
    IServiceProvider services, IOptions<CertificatesOptions> options, CertificatesMeter meter, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<GuardedIssuer>> issuers = new(StringComparer.Ordinal);

    /// <exception cref="IssuerMisconfiguredException">There is no such issuer.</exception>
    public GuardedIssuer Of(string issuer) => issuers.GetOrAdd(issuer, name => new Lazy<GuardedIssuer>(() => Open(name))).Value;

    /// <summary>How a lost answer of an issuer is found again; one that is gone from the configuration tells nothing.</summary>
    public Recovery RecoveryOf(string issuer) =>
        services.GetKeyedService<ICertificateIssuer>(issuer) is null ? Recovery.None : Of(issuer).Recovery;

    /// <summary>What revokes an issuer's certificates; null when nothing does.</summary>
    public ICertificateRevoker? RevokerOrNull(string issuer) =>
        services.GetKeyedService<ICertificateRevoker>(issuer)
            ?? services.GetKeyedService<ICertificateIssuer>(issuer) as ICertificateRevoker;

    /// <summary>Those that were opened.</summary>
    public IEnumerable<GuardedIssuer> Opened => issuers.Values.Where(one => one.IsValueCreated).Select(one => one.Value);

    public void Dispose()
    {
        foreach (var guarded in Opened)
        {
            guarded.Dispose();
        }
    }

    private GuardedIssuer Open(string name)
    {
        var issuer = services.GetKeyedService<ICertificateIssuer>(name)
            ?? throw new IssuerMisconfiguredException($"no issuer '{name}' is configured");
        var guarded = new GuardedIssuer(issuer, options.Value.Issuers.GetValueOrDefault(name) ?? new IssuerOptions(), meter, time);
        meter.Watch(guarded);
        return guarded;
    }
}
