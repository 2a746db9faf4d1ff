using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>What one silo has for issuing, without Orleans: several of them share a ledger as silos do.</summary>
internal sealed class IssuanceSilo
{
    private readonly ICertificateLedger ledger;
    private readonly string home;
    private readonly OrderAttempt attempt;

    public IssuanceSilo(
        ICertificateLedger ledger, TimeProvider time, Action<CertificatesOptions>? configure, params ScriptedIssuer[] issuers)
        : this(ledger, new InMemoryKeyRegister(), time, configure, issuers)
    {
    }

    public IssuanceSilo(
        ICertificateLedger ledger,
        IKeyRegister keys,
        TimeProvider time,
        Action<CertificatesOptions>? configure,
        params ScriptedIssuer[] issuers)
    {
        this.ledger = ledger;
        home = issuers[0].Name;
        var options = new CertificatesOptions
        {
            Profiles = { ["node"] = new CertificateProfile { Issuers = [.. issuers.Select(issuer => issuer.Name)] } },
        };
        configure?.Invoke(options);
        var services = new ServiceCollection();
        foreach (var issuer in issuers)
        {
            services.AddKeyedSingleton<ICertificateIssuer>(issuer.Name, issuer);
        }

        var monitor = new FixedOptions(options);
        var provider = services.AddMetrics().AddSingleton<CertificatesMeter>().BuildServiceProvider();
        var guarded = new GuardedIssuers(provider, Options.Create(options), provider.GetRequiredService<CertificatesMeter>(), time);
        var trials = new ProfileTrials(time, NullLogger<ProfileTrials>.Instance);
        attempt = new OrderAttempt(new OrderRecord(ledger, time), guarded, trials, new KeyAdmission(keys, monitor), monitor, time);
        Book = new OrderExecution(ledger, guarded, attempt, time);
        Settlement = new RevocationSettlement(guarded, new OrderReplay(guarded, monitor, time), keys, time);
    }

    public OrderExecution Book { get; }

    public RevocationSettlement Settlement { get; }

    public Task<IssuanceOutcome> IssueAsync(CertificateOrderRequest order) => Book.IssueAsync(home, order, OrderExecution.DigestOf(order));

    public Task<IssuanceOutcome.Deferred?> FindObstacleAsync() => attempt.FindObstacleAsync("node");

    public Task CloseAsync(string orderId) => Book.CloseAsync(home, orderId, RevocationReason.Superseded, CancellationToken.None);

    /// <summary>Settles once all that is due.</summary>
    public async Task SweepAsync()
    {
        foreach (var entry in await ledger.ListAsync(home, LedgerState.RevocationDue, after: null, 100, CancellationToken.None))
        {
            Assert.NotNull(await ledger.TryWriteAsync(await Settlement.SettleAsync(entry, CancellationToken.None), CancellationToken.None));
        }
    }

    private sealed record FixedOptions(CertificatesOptions CurrentValue) : IOptionsMonitor<CertificatesOptions>
    {
        public CertificatesOptions Get(string? name) => CurrentValue;

        public IDisposable? OnChange(Action<CertificatesOptions, string?> listener) => null;
    }
}
