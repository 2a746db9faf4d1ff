using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>This silo's issuers, each opened when it is first asked for. Thread-safe.</summary>
public sealed class GuardedIssuers : IDisposable
{
    private readonly IServiceProvider services;
    private readonly IOptions<CertificatesOptions> options;
    private readonly ProfileTrials trials;
    private readonly CertificatesMeter meter;
    private readonly TimeProvider time;
    private readonly ConcurrentDictionary<string, Lazy<GuardedIssuer>> issuers = new(StringComparer.Ordinal);

    internal GuardedIssuers(
        IServiceProvider services, IOptions<CertificatesOptions> options, ProfileTrials trials, CertificatesMeter meter, TimeProvider time)
    {
        this.services = services;
        this.options = options;
        this.trials = trials;
        this.meter = meter;
        this.time = time;
    }

    /// <summary>
    /// Whether each configured issuer signs: what it says of itself, and how it fared with orders. Repeatable; may be some seconds old.
    /// </summary>
    public async Task<IReadOnlyList<(string Issuer, IssuerHealth Health)>> CheckAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(Configured.Select(async issuer => (issuer.Name, await Of(issuer.Name).CheckAsync())))
            .WaitAsync(cancellationToken);

    /// <summary>Of each issuer, by the chain that was last proven: the CA that ends first on its path, and when.</summary>
    public IReadOnlyList<(string Issuer, string Authority, DateTimeOffset EndsAt)> ListChainEnds() =>
    [
        .. from guarded in Opened
           let first = guarded.FirstToEnd
           where first is not null
           select (guarded.Name, first.Subject, new DateTimeOffset(first.NotAfter)),
    ];

    /// <summary>Every one that is configured; each is registered under its own name.</summary>
    internal IEnumerable<ICertificateIssuer> Configured => services.GetKeyedServices<ICertificateIssuer>(KeyedService.AnyKey);

    /// <exception cref="IssuerMisconfiguredException">There is no such issuer.</exception>
    internal GuardedIssuer Of(string issuer) =>
        OrNull(issuer) ?? throw new IssuerMisconfiguredException($"no issuer '{issuer}' is configured");

    /// <summary>An issuer; null when it is gone from the configuration, or was never in it.</summary>
    internal GuardedIssuer? OrNull(string issuer) =>
        issuers.TryGetValue(issuer, out var opened) ? opened.Value
        : services.GetKeyedService<ICertificateIssuer>(issuer) is { } port
            ? issuers.GetOrAdd(issuer, _ => new Lazy<GuardedIssuer>(() => Open(port))).Value
            : null;

    /// <summary>Whether an issuer can say what it signed for an order whose answer was lost.</summary>
    internal bool CanFind(string issuer) => OrNull(issuer)?.CanFind == true;

    public void Dispose()
    {
        foreach (var guarded in Opened)
        {
            guarded.Dispose();
        }
    }

    private IEnumerable<GuardedIssuer> Opened => issuers.Values.Where(one => one.IsValueCreated).Select(one => one.Value);

    private GuardedIssuer Open(ICertificateIssuer issuer)
    {
        var guarded = new GuardedIssuer(
            issuer, options.Value.Issuers.GetValueOrDefault(issuer.Name) ?? new IssuerOptions(), trials, meter, time);
        meter.Watch(guarded);
        return guarded;
    }
}
