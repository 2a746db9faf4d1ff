using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>Has each issuer's sweep look for what is due, from every silo: the grain is one, and wakes wherever a silo lives.</summary>
internal sealed partial class RevocationClock(
    IGrainFactory grains, IOptions<CertificatesOptions> options, TimeProvider time, ILogger<RevocationClock> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await Task.WhenAll(options.Value.Ledgers.Select(issuer => SweepAsync(issuer, stoppingToken)));
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops; what is due stays due in the ledger.
        }
    }

    private async Task SweepAsync(string issuer, CancellationToken stoppingToken)
    {
        try
        {
            while (await grains.GetGrain<ICertificateSweepGrain>(issuer).Sweep(stoppingToken).WaitAsync(SilenceMax, time, stoppingToken))
            {
                stoppingToken.ThrowIfCancellationRequested();
            }
        }

        // The top of a loop that must go on: storage or cluster may be away, and the next tick asks again.
        catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
        {
            LogSweepFailed(issuer, fault);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The revocations of {Issuer} were not looked at")]
    private partial void LogSweepFailed(string issuer, Exception fault);
}
