using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Tests.Certificates;

/// <summary>Orders through gate and ledger to one issuer, as a silo takes them, without Orleans.</summary>
internal sealed class IssuerOrders(ICertificateIssuer issuer, IssuerOptions? limits = null, TimeSpan? lifetime = null) : IDisposable
{
    private const string Profile = "node";

    private IssuanceGrains? grains;

    public InMemoryCertificateLedger Ledger { get; } = new();

    private IssuanceGrains Grains => grains ??= new IssuanceGrains(
        Ledger,
        new InMemoryKeyRegister(),
        TimeProvider.System,
        new CertificatesOptions
        {
            Profiles = { [Profile] = new CertificateProfile { Issuers = [issuer.Name], Lifetime = lifetime ?? TimeSpan.FromDays(7) } },
            Issuers = { [issuer.Name] = limits ?? new IssuerOptions() },
            RevocationGrace = TimeSpan.Zero,
        },
        issuer);

    public static CertificateOrderRequest Order(string identity, int number) => new(
        $"{identity}/{number}",
        identity,
        "east",
        Profile,
        SigningRequests.Elliptic(identity),
        IssuancePriority.NewNode,
        TimeProvider.System.GetUtcNow().AddMinutes(2));

    public Task<IssuanceOutcome> IssueAsync(CertificateOrderRequest order) => Grains.IssueAsync(order);

    /// <summary>Closes an order and has its certificate revoked, if the issuer can.</summary>
    public async Task<LedgerEntry?> RevokeAsync(string orderId, CancellationToken cancellationToken)
    {
        await Grains.CloseAsync(orderId);
        await Grains.SweepAsync();
        return await Ledger.ReadAsync(issuer.Name, orderId, cancellationToken);
    }

    public void Dispose() => grains?.Dispose();
}
