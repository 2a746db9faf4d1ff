using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>Has each issuer's sweep look for what is due, from every silo: the grain is one, and wakes wherever a silo lives.</summary>
internal sealed class RevocationClock(
    IGrainFactory grains, IOptions<CertificatesOptions> options, TimeProvider time, Loops loops) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(options.Value.Ledgers.Select(
        issuer => loops.RunAsync(
            $"revocations of {issuer}", Interval, isDueAtOnce: false, stop => SweepAsync(issuer, stop), stoppingToken)));

    private async Task SweepAsync(string issuer, CancellationToken stoppingToken)
    {
        while (await grains.GetGrain<ICertificateSweepGrain>(issuer).Sweep(stoppingToken).WaitAsync(SilenceMax, time, stoppingToken))
        {
            stoppingToken.ThrowIfCancellationRequested();
        }
    }
}
