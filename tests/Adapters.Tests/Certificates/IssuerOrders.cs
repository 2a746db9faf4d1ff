using ControlPlane.Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Certificates;

/// <summary>Orders through gate and ledger to one issuer, as a silo takes them, without Orleans.</summary>
internal sealed class IssuerOrders : IDisposable
{
    private const string Profile = "node";

    private readonly string name;
    private readonly GuardedIssuers desks;
    private readonly OrderExecution book;
    private readonly RevocationSettlement settlement;

    public IssuerOrders(ICertificateIssuer issuer, IssuerOptions? limits = null, TimeSpan? lifetime = null)
    {
        name = issuer.Name;
        var options = new CertificatesOptions
        {
            Profiles = { [Profile] = new CertificateProfile { Issuers = [name], Lifetime = lifetime ?? TimeSpan.FromDays(7) } },
            Issuers = { [name] = limits ?? new IssuerOptions() },
        };
        var services = new ServiceCollection().AddKeyedSingleton(name, issuer)
            .AddMetrics().AddSingleton<CertificatesMeter>().BuildServiceProvider();
        var monitor = new FixedOptions(options);
        var keys = new InMemoryKeyRegister();
        var time = TimeProvider.System;
        desks = new GuardedIssuers(services, Options.Create(options), services.GetRequiredService<CertificatesMeter>(), time);
        var trials = new ProfileTrials(time, NullLogger<ProfileTrials>.Instance);
        var attempt = new OrderAttempt(new OrderRecord(Ledger, time), desks, trials, new KeyAdmission(keys, monitor), monitor, time);
        book = new OrderExecution(Ledger, desks, attempt, time);
        settlement = new RevocationSettlement(desks, new OrderReplay(desks, monitor, time), keys, time);
    }

    public InMemoryCertificateLedger Ledger { get; } = new();

    public static CertificateOrderRequest Order(string identity, int number) => new(
        $"{identity}/{number}",
        identity,
        "east",
        Profile,
        SigningRequests.Elliptic(identity),
        IssuancePriority.NewNode,
        TimeProvider.System.GetUtcNow().AddMinutes(2));

    public Task<IssuanceOutcome> IssueAsync(CertificateOrderRequest order) => book.IssueAsync(name, order, OrderExecution.DigestOf(order));

    /// <summary>Closes an order and has its certificate revoked, if the issuer can.</summary>
    public async Task<LedgerEntry?> RevokeAsync(string orderId, CancellationToken cancellationToken)
    {
        await book.CloseAsync(name, orderId, RevocationReason.Superseded, cancellationToken);
        return await Ledger.ReadAsync(name, orderId, cancellationToken) is { State: LedgerState.RevocationDue } due
            ? await settlement.SettleAsync(due, cancellationToken)
            : null;
    }

    public void Dispose() => desks.Dispose();

    private sealed record FixedOptions(CertificatesOptions CurrentValue) : IOptionsMonitor<CertificatesOptions>
    {
        public CertificatesOptions Get(string? name) => CurrentValue;

        public IDisposable? OnChange(Action<CertificatesOptions, string?> listener) => null;
    }
}
