
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>Who of a partition's nodes was heard when, and whose liveness is to be announced. Knows no clock but what it is told.</summary>
/// <remarks>
/// Hearing a node costs two assignments: the wheel is not touched, and finds out when the node would have been late. Time passes only
/// while the partition can hear: a broker that was away is not the nodes' silence.
/// </remarks>
internal sealed class LivenessTable(LivenessOptions options)
{
    /// <summary>One lap of the wheel in seconds; longer waits are looked at once a lap.</summary>
    private const int WheelSlots = 4096;

    private readonly Dictionary<string, NodeHeartbeats> nodes = new(StringComparer.Ordinal);
    private readonly TimingWheel<NodeHeartbeats> wheel = new(WheelSlots);
    private readonly Queue<NodeHeartbeats> changed = new();
    private TimeSpan clock;

    /// <summary>Nodes that are followed.</summary>
    public int Count => nodes.Count;

    /// <summary>Nodes whose liveness has changed and was not announced.</summary>
    public int Changed => changed.Count;

    /// <summary>Events of nodes beyond <see cref="LivenessOptions.NodesPerPartitionMax"/>.</summary>
    public long Refused { get; private set; }

    public NodeHeartbeats? Find(string identity) => nodes.GetValueOrDefault(identity);

    /// <summary>How many nodes were announced as what.</summary>
    public IReadOnlyDictionary<NodeLiveness, int> CountByState() => nodes.Values.CountBy(heartbeats => heartbeats.State).ToDictionary();

    /// <summary>Takes note of a sign of life; null when it is not followed, or was heard before.</summary>
    public NodeHeartbeats? Hear(FleetEvent heard, DateTimeOffset now)
    {
        var heartbeats = FindOrAdd(heard.Identity);
        var storedAt = heard.ReceivedAt.ToUnixTimeSeconds();
        if (heartbeats is null || IsRepeat(heartbeats, heard, storedAt))
        {
            return null;
        }

        if (heard.IsOfLifecycle)
        {
            heartbeats.Sequence = heard.Sequence;
        }

        var age = now - heard.ReceivedAt;
        var heardAt = clock - LivenessRules.SilenceAfter(heard.Kind, age > TimeSpan.Zero ? age : TimeSpan.Zero, options);

        // Several JetStream streams carry signs of life, and none waits for another: an older one does not take a newer one back.
        if (storedAt >= heartbeats.StoredAt)
        {
            (heartbeats.HeardAt, heartbeats.StoredAt) = (heardAt, storedAt);
        }

        Look(heartbeats);
        return heartbeats;
    }

    /// <summary>Follows a node no longer: it left its overlay.</summary>
    public void Forget(string identity)
    {
        if (nodes.Remove(identity, out var heartbeats))
        {
            heartbeats.IsForgotten = true;
        }
    }

    /// <summary>Lets time pass in which the partition could hear.</summary>
    public void Advance(TimeSpan listened)
    {
        clock += listened;
        wheel.Advance((long)clock.TotalSeconds, (heartbeats, tick) =>
        {
            // Another entry, for an earlier tick, stands for the node by now.
            if (heartbeats.Tick == tick && !heartbeats.IsForgotten)
            {
                heartbeats.Tick = 0;
                Look(heartbeats);
            }
        });
    }

    /// <summary>The changes that are to be announced, at most so many. Each must be confirmed, or put back.</summary>
    public IReadOnlyList<(NodeHeartbeats Node, LivenessChange Change)> TakeChanges(int max, DateTimeOffset now)
    {
        var taken = new List<(NodeHeartbeats, LivenessChange)>();
        while (taken.Count < max && changed.TryDequeue(out var heartbeats))
        {
            heartbeats.IsQueued = false;
            var judged = Judge(heartbeats);
            if (!heartbeats.IsForgotten && judged != heartbeats.State)
            {
                var heardAt = DateTimeOffset.FromUnixTimeSeconds(heartbeats.StoredAt);
                taken.Add((heartbeats, new LivenessChange(heartbeats.State, judged, heardAt, now)));
            }
        }

        return taken;
    }

    /// <summary>A change was announced.</summary>
    public void Confirm(NodeHeartbeats heartbeats, NodeLiveness announced)
    {
        heartbeats.State = announced;
        heartbeats.ReturnedAt = announced == NodeLiveness.Returned ? clock : heartbeats.ReturnedAt;
        Look(heartbeats);
    }

    /// <summary>A change could not be announced: it is among the next ones.</summary>
    public void PutBack(NodeHeartbeats heartbeats) => Look(heartbeats);

    public IEnumerable<HeartbeatRecord> Records() => nodes.Values.Select(heartbeats => new HeartbeatRecord(
        heartbeats.Identity,
        heartbeats.State,
        Silence(heartbeats),
        heartbeats.StoredAt,
        heartbeats.Sequence,
        heartbeats.Processes.Current,
        heartbeats.Processes.Former,
        heartbeats.Processes.CurrentSince,
        heartbeats.Processes.FormerSince,
        heartbeats.Sighting));

    /// <summary>Takes over what another activation had heard and announced. What this one has heard of the node since is newer.</summary>
    /// <param name="record">A node of the snapshot.</param>
    /// <param name="isExact">
    /// Whether all that was heard after the snapshot is told as well. Otherwise the node may have been heard, and that was acknowledged: it
    /// begins anew, since a node that lives must never be called late. One that died is found so much later.
    /// </param>
    public void Restore(HeartbeatRecord record, bool isExact)
    {
        var wasHeard = nodes.ContainsKey(record.Identity);
        if (FindOrAdd(record.Identity) is not { } heartbeats)
        {
            return;
        }

        heartbeats.State = record.State;
        heartbeats.ReturnedAt = clock;
        heartbeats.Sighting = record.Sighting;
        if (!wasHeard)
        {
            // Those that were silent already stay so until they are heard: less silence would look like a return.
            var wasSilent = record.State is NodeLiveness.Late or NodeLiveness.Lost;
            heartbeats.HeardAt = clock - (isExact || wasSilent ? record.Silence : TimeSpan.Zero);
            heartbeats.StoredAt = record.StoredAt;
            heartbeats.Sequence = record.Sequence;
            heartbeats.Processes = new ProcessTrail(record.Process, record.FormerProcess, record.ProcessSince, record.FormerProcessSince);
        }

        Look(heartbeats);
    }

    // Sequences begin anew when somebody makes the JetStream stream anew; its messages are younger then.
    private static bool IsRepeat(NodeHeartbeats heartbeats, FleetEvent heard, long storedAt) =>
        heard.IsOfLifecycle && heard.Sequence <= heartbeats.Sequence && storedAt <= heartbeats.StoredAt;

    private NodeHeartbeats? FindOrAdd(string identity)
    {
        if (nodes.TryGetValue(identity, out var known))
        {
            return known;
        }

        if (nodes.Count >= options.NodesPerPartitionMax)
        {
            Refused++;
            return null;
        }

        return nodes[identity] = new NodeHeartbeats(identity) { HeardAt = clock };
    }

    private TimeSpan Silence(NodeHeartbeats heartbeats) => clock - heartbeats.HeardAt;

    private NodeLiveness Judge(NodeHeartbeats heartbeats) =>
        LivenessRules.Judge(heartbeats.State, Silence(heartbeats), clock - heartbeats.ReturnedAt, options);

    /// <summary>Queues a node whose state is to be announced, and sees that it is looked at again when that could change.</summary>
    private void Look(NodeHeartbeats heartbeats)
    {
        var silence = Silence(heartbeats);
        if (silence >= options.ForgetAfter && heartbeats.State == NodeLiveness.Lost)
        {
            Forget(heartbeats.Identity);
            return;
        }

        if (!heartbeats.IsQueued && Judge(heartbeats) != heartbeats.State)
        {
            heartbeats.IsQueued = true;
            changed.Enqueue(heartbeats);
        }

        var look = heartbeats.HeardAt + LivenessRules.NextLook(silence, options);
        if (heartbeats.State == NodeLiveness.Returned && heartbeats.ReturnedAt + options.LateAfter < look)
        {
            look = heartbeats.ReturnedAt + options.LateAfter;
        }

        var tick = (long)Math.Ceiling(look.TotalSeconds);
        if (heartbeats.Tick == 0 || tick < heartbeats.Tick)
        {
            heartbeats.Tick = wheel.Add(heartbeats, tick);
        }
    }
}
