using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace ControlPlane.Certificates;

/// <summary>One issuer's grains without Orleans: what they promise rests on the ledger, and not on there being one of each.</summary>
public sealed class IssuanceGrains : IDisposable
{
    private readonly ServiceProvider services;
    private readonly CertificateIssuanceGrain issuance;
    private readonly CertificateSweepGrain sweep;

    /// <param name="ledger">Shared by those that are to be silos of one cluster.</param>
    /// <param name="keys">As the ledger.</param>
    /// <param name="time">The time.</param>
    /// <param name="options">The first issuer of the profile <c>node</c> is the one whose grains these are.</param>
    /// <param name="issuers">The ports.</param>
    public IssuanceGrains(
        ICertificateLedger ledger, IKeyRegister keys, TimeProvider time, CertificatesOptions options, params ICertificateIssuer[] issuers)
    {
        var collection = new ServiceCollection().AddMetrics().AddSingleton<CertificatesMeter>();
        foreach (var issuer in issuers)
        {
            collection.AddKeyedSingleton(issuer.Name, issuer);
        }

        services = collection.BuildServiceProvider();
        var (meter, monitor) = (services.GetRequiredService<CertificatesMeter>(), new FixedOptions(options));
        var trials = new ProfileTrials(time, NullLogger<ProfileTrials>.Instance);
        Issuers = new GuardedIssuers(services, Options.Create(options), trials, meter, time);
        issuance = new CertificateIssuanceGrain(
            ContextOf("certificate-issuance", $"{issuers[0].Name}/0"),
            ledger,
            Issuers,
            new KeyAdmission(keys, monitor),
            monitor,
            meter,
            time,
            NullLogger<CertificateIssuanceGrain>.Instance);
        sweep = new CertificateSweepGrain(
            ContextOf("certificate-sweep", issuers[0].Name), ledger, Issuers, keys, monitor, meter, time,
            NullLogger<CertificateSweepGrain>.Instance);
    }

    public GuardedIssuers Issuers { get; }

    public Task<IssuanceOutcome> IssueAsync(CertificateOrderRequest order) => issuance.Issue(order, CancellationToken.None);

    public Task<IssuanceOutcome.Deferred?> FindObstacleAsync() => issuance.FindObstacle("node", CancellationToken.None);

    public Task CloseAsync(string orderId) => issuance.Close(orderId, RevocationReason.Superseded, CancellationToken.None);

    public Task SweepAsync() => sweep.Sweep(CancellationToken.None);

    public void Dispose()
    {
        Issuers.Dispose();
        services.Dispose();
    }

    private static IGrainContext ContextOf(string type, string key)
    {
        var context = DispatchProxy.Create<IGrainContext, KeyAlone>();
        ((KeyAlone)(object)context).Id = GrainId.Create(type, key);
        return context;
    }

    /// <summary>A grain's place in a silo of which nothing is known but the grain's name.</summary>
    public class KeyAlone : DispatchProxy
    {
        public GrainId Id { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod?.Name == $"get_{nameof(IGrainContext.GrainId)}" ? Id : throw new NotSupportedException(targetMethod?.Name);
    }

    private sealed record FixedOptions(CertificatesOptions CurrentValue) : IOptionsMonitor<CertificatesOptions>
    {
        public CertificatesOptions Get(string? name) => CurrentValue;

        public IDisposable? OnChange(Action<CertificatesOptions, string?> listener) => null;
    }
}
