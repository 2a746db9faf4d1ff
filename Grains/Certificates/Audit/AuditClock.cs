using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>
/// Has each issuer audited once an interval, asked for by every silo: the grain is one, and skips what was done just now.
/// </summary>
internal sealed class AuditClock(IGrainFactory grains, IOptions<CertificatesOptions> options, Loops loops) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => options.Value.AuditInterval == TimeSpan.Zero
        ? Task.CompletedTask
        : Task.WhenAll(options.Value.Profiles.Values.SelectMany(profile => profile.Issuers).Distinct(StringComparer.Ordinal).Select(
            issuer => loops.RunAsync(
                $"audit of {issuer}",
                options.Value.AuditInterval,
                isDueAtOnce: false,
                stop => grains.GetGrain<ICertificateAuditGrain>(issuer).Audit(stop),
                stoppingToken)));
}
