using ControlPlane.Flow;
using ControlPlane.Nodes;
using ControlPlane.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Fleet;

/// <summary>Makes the followers of partitions.</summary>
internal sealed class LivenessWatch(
    LivenessStore store, LivenessAnnouncer announcer, IFleetConnectivity connectivity, LivenessMeter meter,
    IOptions<LivenessOptions> options, TimeProvider time, Loops loops, ILogger<PartitionLiveness> logger)
{
    /// <param name="partition">The partition's key.</param>
    /// <param name="recorded">Told how alive a node is when its grain has written it.</param>
    public PartitionLiveness Of(string partition, Action<string, NodeLiveness> recorded) =>
        new(partition, recorded, store, announcer, connectivity, meter, options.Value, time, loops, logger);
}

/// <summary>Follows the liveness of one partition's nodes: hears them, and once a second decides who has fallen silent.</summary>
/// <remarks>Belongs to one slice and runs on its turns.</remarks>
internal sealed partial class PartitionLiveness(
    string partition, Action<string, NodeLiveness> recorded, LivenessStore store, LivenessAnnouncer announcer,
    IFleetConnectivity connectivity, LivenessMeter meter, LivenessOptions options, TimeProvider time, Loops loops, ILogger logger)
{
    /// <summary>
    /// Changes announced in one tick: an overlay that falls silent at once is told within a minute or two, and nothing starves.
    /// </summary>
    private const int AnnouncementsMax = 64;

    /// <summary>Announcements at once.</summary>
    private const int AtOnceMax = 8;

    /// <summary>Nodes that are judged at once.</summary>
    private const int JudgedAtOnceMax = 16;

    /// <summary>Events older than this are a backlog: what nodes said since lies behind them.</summary>
    private static readonly TimeSpan BacklogAge = TimeSpan.FromSeconds(30);

    /// <summary>How long after the last event of a backlog the partition counts as having caught up.</summary>
    private static readonly TimeSpan CatchUpPause = TimeSpan.FromSeconds(10);

    /// <summary>A tick that came later than this means that the process stood still, and did not listen.</summary>
    private static readonly TimeSpan ListenedMax = TimeSpan.FromSeconds(5);

    private readonly LivenessTable table = new(options);
    private long tickedAt = time.GetTimestamp();
    private long keptAt = time.GetTimestamp();
    private long? backlogAt;
    private bool isRestored;
    private bool isDirty;
    private bool isTicking;

    /// <summary>Nodes that are followed.</summary>
    public int Count => table.Count;

    /// <summary>Takes note of events, of one node in order, and has judged what shows something else than what was seen before.</summary>
    /// <param name="events">What was heard.</param>
    /// <param name="judge">Judges a node; false when it cannot be judged yet.</param>
    /// <param name="cancellationToken">
    /// Ends the judging: what is not judged now is seen again with the next registration, which is no reason to hold events.
    /// </param>
    public async Task HearAsync(
        IReadOnlyList<FleetEvent> events, Func<string, NodeSighting, Task<bool>> judge, CancellationToken cancellationToken)
    {
        foreach (var nodes in events.GroupBy(heard => heard.Identity, StringComparer.Ordinal).Chunk(JudgedAtOnceMax))
        {
            await Task.WhenAll(nodes.Select(ofOne => HearAsync(ofOne, judge, cancellationToken)));
        }
    }

    /// <summary>Takes note of an event; null when it is none of a node on its overlay, or was heard before.</summary>
    public NodeHeartbeats? Hear(FleetEvent heard)
    {
        if (heard.Network == FleetStreams.ProvisioningNetwork)
        {
            if (heard.Kind == FleetEventKind.Startup)
            {
                // It serves its overlay no longer. Enrolment watches over it now.
                table.Forget(heard.Identity);
            }

            return null;
        }

        var now = time.GetUtcNow();
        if (now - heard.ReceivedAt > BacklogAge)
        {
            backlogAt = time.GetTimestamp();
        }

        isDirty = true;
        return table.Hear(heard, now);
    }

    /// <summary>Lets time pass, announces what follows from it, and keeps a snapshot now and then.</summary>
    public async Task TickAsync(CancellationToken cancellationToken)
    {
        // A tick that waits for a broker is not overtaken by the next one.
        if (isTicking)
        {
            return;
        }

        isTicking = true;
        isRestored = isRestored || await loops.RoundAsync("restoring of liveness", RestoreAsync, cancellationToken);
        await loops.RoundAsync("liveness", TickOnceAsync, cancellationToken);
        isTicking = false;
    }

    private async Task TickOnceAsync(CancellationToken cancellationToken)
    {
        var listens = isRestored && Listen();
        meter.Show(partition, new PartitionFigures(table.CountByState(), table.Changed, table.Refused, !listens));
        if (listens)
        {
            await AnnounceAsync(cancellationToken);
            await KeepAsync(isFinal: false, cancellationToken);
        }
    }

    /// <summary>Keeps what was heard for whoever comes next.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        meter.Leave(partition);
        if (isRestored)
        {
            await KeepAsync(isFinal: true, cancellationToken);
        }
    }

    private async Task HearAsync(
        IEnumerable<FleetEvent> ofOneNode, Func<string, NodeSighting, Task<bool>> judge, CancellationToken cancellationToken)
    {
        foreach (var heard in ofOneNode)
        {
            if (Hear(heard) is { } heartbeats && Sightings.Of(heartbeats, heard) is var (sighting, digest)
                && !cancellationToken.IsCancellationRequested)
            {
                await JudgeAsync(heartbeats, sighting, digest, judge);
            }
        }
    }

    private async Task JudgeAsync(
        NodeHeartbeats heartbeats, NodeSighting sighting, ulong digest, Func<string, NodeSighting, Task<bool>> judge)
    {
        try
        {
            if (sighting.OtherPlace is not null)
            {
                meter.CloneSuspected();
            }

            if (await judge(heartbeats.Identity, sighting))
            {
                heartbeats.Sighting = digest;
            }
        }
        catch (Exception fault) when (fault is TimeoutException or Orleans.Runtime.OrleansException)
        {
            LogNotJudged(heartbeats.Identity, fault.Message);
        }
    }

    private bool Listen()
    {
        var now = time.GetTimestamp();
        var passed = time.GetElapsedTime(tickedAt, now);
        tickedAt = now;
        if (backlogAt is { } met && time.GetElapsedTime(met, now) < CatchUpPause)
        {
            return false;
        }

        backlogAt = null;
        if (!connectivity.IsHearing)
        {
            return false;
        }

        table.Advance(passed < ListenedMax ? passed : ListenedMax);
        return true;
    }

    private async Task AnnounceAsync(CancellationToken cancellationToken)
    {
        foreach (var together in table.TakeChanges(AnnouncementsMax, time.GetUtcNow()).Chunk(AtOnceMax))
        {
            var announced = await Task.WhenAll(
                together.Select(one => announcer.AnnounceAsync(one.Node.Identity, one.Change, recorded, cancellationToken)));
            foreach (var (one, outcome) in together.Zip(announced))
            {
                switch (outcome)
                {
                    case Announcement.Done:
                        table.Confirm(one.Node, one.Change.To);
                        break;
                    case Announcement.Failed:
                        table.PutBack(one.Node);
                        break;
                    case Announcement.Unwanted:
                        table.Forget(one.Node.Identity);
                        break;
                }
            }

            isDirty = true;
        }
    }

    private async Task RestoreAsync(CancellationToken cancellationToken)
    {
        if (!await store.RestoreAsync(partition, table, heard => Hear(heard), cancellationToken))
        {
            // Its queues change hands too: what is stored meanwhile is delivered in a moment.
            backlogAt = time.GetTimestamp();
        }

        // What is kept may say that nothing was heard after it. From now on that is not so, and must not be believed when we die.
        await store.KeepAsync(partition, table, isFinal: false, cancellationToken);
        LogRestored(partition, table.Count);
        tickedAt = time.GetTimestamp();
    }

    private async Task KeepAsync(bool isFinal, CancellationToken cancellationToken)
    {
        if (!isFinal && (!isDirty || time.GetElapsedTime(keptAt) < options.SnapshotInterval))
        {
            return;
        }

        keptAt = time.GetTimestamp();
        try
        {
            isDirty = false;
            await store.KeepAsync(partition, table, isFinal, cancellationToken);
        }
        catch (Exception away)
        {
            // What was heard is in memory; only the next owner of the partition would miss it. Whatever it was, it is kept the next time.
            isDirty = true;
            if (away is not StoreUnavailableException)
            {
                throw;
            }

            LogNotKept(partition, away.Message);
        }
    }

    [LoggerMessage(LogLevel.Debug, "What was seen of {Node} could not be judged yet: {Reason}")]
    private partial void LogNotJudged(string node, string reason);

    [LoggerMessage(LogLevel.Debug, "Partition {Partition} took over the liveness of {Count} nodes")]
    private partial void LogRestored(string partition, int count);

    [LoggerMessage(LogLevel.Warning, "Partition {Partition} could not keep what it heard: {Reason}")]
    private partial void LogNotKept(string partition, string reason);
}
