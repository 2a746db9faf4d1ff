using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>
/// Has each issuer audited once an interval, asked for by every silo: the grain is one, and skips what was done just now.
/// </summary>
internal sealed partial class AuditClock(
    IGrainFactory grains, IOptions<CertificatesOptions> options, TimeProvider time, ILogger<AuditClock> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.AuditInterval == TimeSpan.Zero)
        {
            return;
        }

        using var timer = new PeriodicTimer(options.Value.AuditInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                foreach (
                    var issuer in options.Value.Profiles.Values.SelectMany(profile => profile.Issuers).Distinct(StringComparer.Ordinal))
                {
                    await AuditAsync(issuer, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops; others go on.
        }
    }

    private async Task AuditAsync(string issuer, CancellationToken stoppingToken)
    {
        try
        {
            await grains.GetGrain<ICertificateAuditGrain>(issuer).Audit(stoppingToken);
        }

        // The top of a loop that must go on: CA, storage or cluster may be away, and the next tick asks again.
        catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
        {
            LogAuditFailed(issuer, fault);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Issuer} was not audited")]
    private partial void LogAuditFailed(string issuer, Exception fault);
}
