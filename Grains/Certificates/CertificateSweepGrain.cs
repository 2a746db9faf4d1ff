using Microsoft.Extensions.Logging;

namespace ControlPlane.Certificates;

[GrainType("certificate-sweep")]
internal sealed partial class CertificateSweepGrain(
    ICertificateLedger ledger,
    RevocationSettlement settlement,
    CertificatesMeter meter,
    TimeProvider time,
    ILogger<CertificateSweepGrain> logger) : Grain, ICertificateSweepGrain
{
    private const int BatchMax = 256;
    private const int AtOnceMax = 8;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(30);

    private string Issuer => this.GetPrimaryKeyString();

    public async Task<bool> Sweep(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var oldest = await ledger.ListAsync(Issuer, LedgerState.RevocationDue, after: null, BatchMax, cancellationToken);
        var due = oldest.Where(entry => (entry.RevocationDueAt ?? entry.CreatedAt) <= now).ToList();
        var settled = 0;
        foreach (var few in due.Chunk(AtOnceMax))
        {
            var results = await Task.WhenAll(few.Select(entry => Settle(entry, cancellationToken)));
            settled += results.Count(result => result);
        }

        meter.Count(Issuer, await ledger.CountAsync(Issuer, cancellationToken));
        return settled == BatchMax;
    }

    private async Task<bool> Settle(LedgerEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            var settled = await settlement.SettleAsync(entry, cancellationToken);
            if (await ledger.TryWriteAsync(settled, CancellationToken.None) is not null && settled.State == LedgerState.Closed)
            {
                LogRevoked(entry.Identity, entry.OrderId, settled.Certificate?.SerialNumber ?? "", settled.Detail ?? "");
                return true;
            }

            return false;
        }
        catch (Exception waits) when (waits is IssuerUnavailableException or IssuerThrottledException or IssuerMisconfiguredException)
        {
            LogWaits(entry.Identity, entry.OrderId, waits.Message);

            // To the end of the line: one CA that is away must not keep the certificates of the others from being revoked.
            await ledger.TryWriteAsync(entry with { RevocationDueAt = time.GetUtcNow() + RetryDelay }, CancellationToken.None);
            return false;
        }
    }

    [LoggerMessage(LogLevel.Information, "Order {Order} of {Node} is closed, serial {Serial}: {Detail}")]
    private partial void LogRevoked(string node, string order, string serial, string detail);

    [LoggerMessage(LogLevel.Warning, "Order {Order} of {Node} is still to be revoked: {Reason}")]
    private partial void LogWaits(string node, string order, string reason);
}
