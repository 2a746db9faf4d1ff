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

    /// <summary>Nodes that are told at once that they were sighted.</summary>
    private const int CallsMax = 128;

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

    // In a herd nearly all who answer wait for their turn already. The roster says so for a slice at once; asking each node's grain would
    // read the state of each from Redis.
    private async Task<int> TakeUpMissing(IReadOnlyCollection<DiscoveredNode> sighted)
    {
        var answers = sighted.DistinctBy(node => node.Identity).ToDictionary(node => node.Identity, StringComparer.Ordinal);
        var slices = answers.Keys.GroupBy(FleetRoster.ShardOf)
            .Select(slice => GrainFactory.GetGrain<IInternalFleetRosterGrain>(slice.Key).AdmitNewcomers(
                [.. slice.Select(identity => new HeardName(identity, answers[identity].At, IsAnswer: true))]));
        var missing = (await Task.WhenAll(slices)).SelectMany(identities => identities).ToList();
        foreach (var few in missing.Chunk(CallsMax))
        {
            await Task.WhenAll(few.Select(identity => Tell(answers[identity])));
        }

        return missing.Count;
    }

    private async Task Tell(DiscoveredNode sighted)
    {
        try
        {
            await GrainFactory.GetGrain<IInternalNodeGrain>(sighted.Identity).RecordSweepAnswer(sighted.Protocol, sighted.At);
        }
        catch (Exception fault)
        {
            // One node's trouble is not the others': it answers the next sweep too.
            LogNotTold(sighted.Identity, fault.Message);
        }
    }

    [LoggerMessage(LogLevel.Debug, "{Answers} nodes in provisioning mode answered a sweep, {Missing} of which were not being enrolled")]
    private partial void LogSwept(int answers, int missing);

    [LoggerMessage(LogLevel.Debug, "{Node} answered a sweep, and its grain could not be told: {Reason}")]
    private partial void LogNotTold(string node, string reason);
}
