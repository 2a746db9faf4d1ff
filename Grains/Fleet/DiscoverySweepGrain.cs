using ControlPlane.Provisioning;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Fleet;

[GrainType("discovery-sweep"), KeepAlive]
internal sealed partial class DiscoverySweepGrain(
    IFleetDiscovery discovery,
    IOptions<ProvisioningOptions> options,
    TimeProvider time,
    ILogger<DiscoverySweepGrain> logger) : Grain, IDiscoverySweepGrain
{
    /// <summary>Nodes that are told at once that they were sighted.</summary>
    private const int CallsMax = 128;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // Interleaved: a sweep waits for answers, and must not make the next call to Wake wait too.
        this.RegisterGrainTimer(Sweep, new GrainTimerCreationOptions(TimeSpan.Zero, options.Value.SweepInterval) { Interleave = true });
        return Task.CompletedTask;
    }

    public Task Wake() => Task.CompletedTask;

    private async Task Sweep(CancellationToken cancellationToken)
    {
        var calls = new List<Task>(CallsMax);
        var found = 0;
        try
        {
            await foreach (var sighted in discovery.SweepAsync(cancellationToken))
            {
                found++;
                calls.Add(GrainFactory.GetGrain<INodeGrain>(sighted.Identity).Sighted(sighted.Protocol, time.GetUtcNow()));
                if (calls.Count == CallsMax)
                {
                    await Task.WhenAll(calls);
                    calls.Clear();
                }
            }

            await Task.WhenAll(calls);
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested)
        {
            // The top of a loop that must go on: the next sweep finds who was missed.
            LogSweepFailed(fault);
        }

        LogSwept(found);
    }

    [LoggerMessage(LogLevel.Debug, "A sweep found {Count} nodes in provisioning mode")]
    private partial void LogSwept(int count);

    [LoggerMessage(LogLevel.Warning, "A discovery sweep failed")]
    private partial void LogSweepFailed(Exception fault);
}
