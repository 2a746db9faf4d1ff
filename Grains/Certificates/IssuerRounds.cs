using ControlPlane.Flow;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>What is done for each issuer every so often. Every silo asks: each grain is one, and wakes wherever a silo lives.</summary>
internal sealed class IssuerRounds(IGrainFactory grains, IOptions<CertificatesOptions> options, TimeProvider time)
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PublicationPeriod = TimeSpan.FromSeconds(2);

    private CertificatesOptions Options => options.Value;

    public IEnumerable<Round> Sweeps =>
        Options.Ledgers.Select(issuer => new Round($"revocations of {issuer}", SweepPeriod, stop => SweepAsync(issuer, stop)));

    public IEnumerable<Round> Publications => Options.Ledgers.Select(issuer => new Round(
        $"history of {issuer}",
        PublicationPeriod,
        stop => grains.GetGrain<ILedgerPublicationGrain>(issuer).Publish(stop).WaitAsync(SilenceMax, time, stop)));

    // The grain skips an audit that was made just now.
    public IEnumerable<Round> Audits => Options.AuditInterval == TimeSpan.Zero
        ? []
        : Options.Profiles.Values.SelectMany(profile => profile.Issuers).Distinct(StringComparer.Ordinal).Select(issuer => new Round(
            $"audit of {issuer}", Options.AuditInterval, stop => grains.GetGrain<ICertificateAuditGrain>(issuer).Audit(stop)));

    private async Task SweepAsync(string issuer, CancellationToken stoppingToken)
    {
        while (await grains.GetGrain<ICertificateSweepGrain>(issuer).Sweep(stoppingToken).WaitAsync(SilenceMax, time, stoppingToken))
        {
            stoppingToken.ThrowIfCancellationRequested();
        }
    }
}
