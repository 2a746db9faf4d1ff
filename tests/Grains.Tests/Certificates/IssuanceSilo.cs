namespace ControlPlane.Certificates;

/// <summary>What one silo has for issuing, without Orleans: several of them share a ledger as silos do.</summary>
internal sealed class IssuanceSilo(
    ICertificateLedger ledger,
    IKeyRegister keys,
    TimeProvider time,
    Action<CertificatesOptions>? configure,
    params ScriptedIssuer[] issuers) : IDisposable
{
    private readonly IssuanceGrains grains = new(ledger, keys, time, OptionsOf(configure, issuers), issuers);

    public IssuanceSilo(
        ICertificateLedger ledger, TimeProvider time, Action<CertificatesOptions>? configure, params ScriptedIssuer[] issuers)
        : this(ledger, new InMemoryKeyRegister(), time, configure, issuers)
    {
    }

    public void Dispose() => grains.Dispose();

    public Task<IssuanceOutcome> IssueAsync(CertificateOrderRequest order) => grains.IssueAsync(order);

    public Task<IssuanceOutcome.Deferred?> FindObstacleAsync() => grains.FindObstacleAsync();

    public Task CloseAsync(string orderId) => grains.CloseAsync(orderId);

    /// <summary>Settles once all that is due.</summary>
    public Task SweepAsync() => grains.SweepAsync();

    private static CertificatesOptions OptionsOf(Action<CertificatesOptions>? configure, ScriptedIssuer[] issuers)
    {
        var options = new CertificatesOptions
        {
            Profiles = { ["node"] = new CertificateProfile { Issuers = [.. issuers.Select(issuer => issuer.Name)] } },
        };
        configure?.Invoke(options);
        return options;
    }
}
