using ControlPlane.Flow;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Fleet;

[GrainType("discovery-sweep"), KeepAlive]
internal sealed partial class DiscoverySweepGrain(
    IFleetDiscovery discovery,
    IOptions<ProvisioningOptions> options,
    Loops loops,
    ILogger<DiscoverySweepGrain> logger) : Grain, IDiscoverySweepGrain
{
    /// <summary>Answers that are compared with the roster in one go.</summary>
    private const int BatchMax = 2048;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // Interleaved: a sweep waits for answers, and must not make the next call to Wake wait too.
        this.RegisterGrainTimer(
            token => loops.RoundAsync("discovery sweep", Sweep, token),
            new GrainTimerCreationOptions(TimeSpan.Zero, options.Value.SweepInterval) { Interleave = true });
        return Task.CompletedTask;
    }

    public Task Wake() => Task.CompletedTask;

    private async Task Sweep(CancellationToken cancellationToken)
    {
        var batch = new List<DiscoveredNode>();
        var (answers, missing) = (0, 0);
        await foreach (var sighted in discovery.SweepAsync(cancellationToken))
        {
            answers++;
            batch.Add(sighted);
            if (batch.Count == BatchMax)
            {
                missing += await TakeUpMissing(batch);
                batch.Clear();
            }
        }

        missing += await TakeUpMissing(batch);
        LogSwept(answers, missing);
    }

    // In a herd nearly all who answer wait for their turn already: the slices know, and no node's state is read for it.
    private async Task<int> TakeUpMissing(IReadOnlyCollection<DiscoveredNode> sighted)
    {
        var missing = await Task.WhenAll(sighted.GroupBy(node => FleetSlices.KeyOf(node.Identity))
            .Select(slice => GrainFactory.GetGrain<IInternalFleetSliceGrain>(slice.Key).RecordSweepAnswers(
                [.. slice.DistinctBy(node => node.Identity).Select(node => new SweepAnswer(node.Identity, node.At))])));
        return missing.Sum();
    }

    [LoggerMessage(LogLevel.Debug, "{Answers} nodes in provisioning mode answered a sweep, {Missing} of which were not being enrolled")]
    private partial void LogSwept(int answers, int missing);
}
