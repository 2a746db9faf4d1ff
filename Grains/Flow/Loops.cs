using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Flow;

/// <summary>Keeps going what must not end while the silo runs: what breaks a round off is counted, told and followed by the next.</summary>
public sealed partial class Loops : IDisposable
{
    /// <summary>A loop that has nothing to wait for must not spin while it fails.</summary>
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);

    /// <summary>An outage is not a line for each round, and not for each grain that makes rounds.</summary>
    private static readonly TimeSpan TellAgainAfter = TimeSpan.FromSeconds(10);

    private readonly Meter meter = new("ControlPlane.Loops");
    private readonly Counter<long> failures;
    private readonly RepeatPace told;
    private readonly TimeProvider time;
    private readonly ILogger<Loops> logger;

    public Loops(TimeProvider time, ILogger<Loops> logger)
    {
        (this.time, this.logger) = (time, logger);
        told = new RepeatPace(TellAgainAfter, int.MaxValue, time);
        failures = meter.CreateCounter<long>(
            "controlplane.loops.failures", "{failure}", "Rounds of what must go on that were broken off, by loop; each is begun again.");
    }

    /// <summary>Makes rounds until it is cancelled. Never fails.</summary>
    /// <param name="loop">Its name in logs and metrics: one of a closed set.</param>
    /// <param name="pause">Between two rounds, and before the first unless that is due at once.</param>
    /// <param name="isDueAtOnce">Whether the first round is made at once.</param>
    /// <param name="round">One round.</param>
    /// <param name="stoppingToken">Ends it.</param>
    public async Task RunAsync(
        string loop, TimeSpan pause, bool isDueAtOnce, Func<CancellationToken, Task> round, CancellationToken stoppingToken)
    {
        var wait = isDueAtOnce ? TimeSpan.Zero : pause;
        while (true)
        {
            await Task.Delay(wait, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            wait = await RoundAsync(loop, round, stoppingToken) || pause > PauseAfterFailure ? pause : PauseAfterFailure;
        }
    }

    /// <summary>Makes one round of what a timer goes on with. Never fails.</summary>
    /// <returns>Whether nothing broke it off.</returns>
    public async Task<bool> RoundAsync(string loop, Func<CancellationToken, Task> round, CancellationToken stoppingToken)
    {
        try
        {
            await round(stoppingToken);
            return true;
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception fault)
        {
            // The top of a loop that must go on, whatever it was: what leaves it would end the silo, or leave everybody waiting.
            failures.Add(1, new KeyValuePair<string, object?>("loop", loop));
            if (told.Admits(loop))
            {
                LogBrokenOff(loop, fault);
            }

            return false;
        }
    }

    public void Dispose() => meter.Dispose();

    [LoggerMessage(LogLevel.Warning, "A round of '{Loop}' was broken off and is followed by the next")]
    private partial void LogBrokenOff(string loop, Exception fault);
}
