using System.Diagnostics;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace ControlPlane.Certificates;

/// <remarks>
/// Reentrant: orders wait for their CA side by side, in the order of the issuer's gate and not of the grain's mailbox. That an order
/// has one certificate at most rests on the ledger's compare-and-swap; this grain only spares it most of the conflicts.
/// </remarks>
[GrainType("certificate-issuance"), Reentrant]
internal sealed partial class CertificateIssuanceGrain(
    ICertificateLedger ledger,
    OrderExecution table,
    OrderAttempt attempt,
    CertificatesMeter meter,
    TimeProvider time,
    ILogger<CertificateIssuanceGrain> logger) : Grain, ICertificateIssuanceGrain
{
    private const int UnderWayMax = 20_000;
    private static readonly TimeSpan CrowdedPause = TimeSpan.FromSeconds(2);

    private readonly Dictionary<(string OrderId, string Digest), Task<IssuanceOutcome>> underWay = [];

    private string Issuer => this.GetPrimaryKeyString()[..this.GetPrimaryKeyString().LastIndexOf('/')];

    public async Task<IssuanceOutcome> Issue(CertificateOrderRequest order, CancellationToken cancellationToken)
    {
        var digest = OrderExecution.DigestOf(order);
        var key = (order.OrderId, digest);
        if (!underWay.TryGetValue(key, out var outcome))
        {
            if (underWay.Count >= UnderWayMax)
            {
                return new IssuanceOutcome.Deferred($"{UnderWayMax} orders are under way", time.GetUtcNow() + CrowdedPause);
            }

            outcome = IssueOnce(order, digest);
            if (!outcome.IsCompleted)
            {
                underWay[key] = outcome;
            }
        }

        // The order goes on without its caller: what the CA answers must be recorded.
        return await outcome.WaitAsync(cancellationToken);
    }

    public Task<IssuanceOutcome.Deferred?> FindObstacle(string profile, CancellationToken cancellationToken) =>
        attempt.FindObstacleAsync(profile);

    public async Task<IssuedCertificate?> FindIssued(string orderId, CancellationToken cancellationToken) =>
        await ledger.ReadAsync(Issuer, orderId, cancellationToken) is { State: LedgerState.Issued } entry ? entry.Certificate : null;

    public Task Close(string orderId, RevocationReason reason, CancellationToken cancellationToken) =>
        table.CloseAsync(Issuer, orderId, reason, cancellationToken);

    private async Task<IssuanceOutcome> IssueOnce(CertificateOrderRequest order, string digest)
    {
        var began = time.GetTimestamp();
        try
        {
            var outcome = await table.IssueAsync(Issuer, order, digest);
            meter.Answered(Issuer, outcome, time.GetElapsedTime(began));
            LogOutcome(order.OrderId, order.Identity, Issuer, outcome);
            return outcome;
        }
        finally
        {
            underWay.Remove((order.OrderId, digest));
        }
    }

    private void LogOutcome(string orderId, string node, string issuer, IssuanceOutcome outcome)
    {
        switch (outcome)
        {
            case IssuanceOutcome.Issued issued:
                LogIssued(node, orderId, issued.Certificate.Issuer, issued.Certificate.SerialNumber, issued.Certificate.NotAfter);
                break;
            case IssuanceOutcome.Refused refused:
                LogRefused(node, orderId, issuer, refused.Refusal, refused.Detail);
                break;
            case IssuanceOutcome.Deferred deferred:
                LogDeferred(node, orderId, issuer, deferred.Reason, deferred.RetryAt);
                break;
            case IssuanceOutcome.Spent spent:
                LogSpent(node, orderId, issuer, spent.Detail);
                break;
            default:
                throw new UnreachableException();
        }
    }

    [LoggerMessage(LogLevel.Debug, "Order {Order} of {Node}: {Issuer} issued serial {Serial}, valid until {NotAfter}")]
    private partial void LogIssued(string node, string order, string issuer, string serial, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Warning, "Order {Order} of {Node} at {Issuer} refused: {Refusal}, {Detail}")]
    private partial void LogRefused(string node, string order, string issuer, Refusal refusal, string detail);

    [LoggerMessage(LogLevel.Debug, "Order {Order} of {Node} at {Issuer} deferred until {RetryAt}: {Reason}")]
    private partial void LogDeferred(string node, string order, string issuer, string reason, DateTimeOffset retryAt);

    [LoggerMessage(LogLevel.Warning, "Order {Order} of {Node} at {Issuer} is spent: {Detail}")]
    private partial void LogSpent(string node, string order, string issuer, string detail);
}
