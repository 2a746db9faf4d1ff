using ControlPlane.Fleet;

namespace ControlPlane.Liveness;

/// <summary>Who of a partition's nodes was heard when, and whose liveness is to be announced. Knows no clock but what it is told.</summary>
/// <remarks>
/// Hearing a node costs two assignments: the wheel is not touched, and finds out when the node would have been late. Time passes only
/// while the partition can hear: a broker that was away is not the nodes' silence.
/// </remarks>
internal sealed class LivenessBook(LivenessOptions options)
{
    /// <summary>One lap of the wheel in seconds; longer waits are looked at once a lap.</summary>
    private const int WheelSlots = 4096;

    private readonly Dictionary<string, NodePulse> pulses = new(StringComparer.Ordinal);
    private readonly TimingWheel<NodePulse> wheel = new(WheelSlots);
    private readonly Queue<NodePulse> changed = new();
    private TimeSpan clock;

    /// <summary>Nodes that are followed.</summary>
    public int Count => pulses.Count;

    /// <summary>Nodes whose liveness has changed and was not announced.</summary>
    public int Changed => changed.Count;

    /// <summary>Events of nodes beyond <see cref="LivenessOptions.NodesPerPartitionMax"/>.</summary>
    public long Refused { get; private set; }

    public NodePulse? Find(string identity) => pulses.GetValueOrDefault(identity);

    /// <summary>How many nodes were announced as what.</summary>
    public IReadOnlyDictionary<NodeLiveness, int> CountByState() => pulses.Values.CountBy(pulse => pulse.State).ToDictionary();

    /// <summary>Takes note of a sign of life; null when it is not followed, or was heard before.</summary>
    public NodePulse? Hear(FleetEvent heard, DateTimeOffset now)
    {
        var pulse = FindOrAdd(heard.Identity);
        var storedAt = heard.ReceivedAt.ToUnixTimeSeconds();
        if (pulse is null || IsRepeat(pulse, heard, storedAt))
        {
            return null;
        }

        if (heard.IsOfLifecycle)
        {
            pulse.Sequence = heard.Sequence;
        }

        var age = now - heard.ReceivedAt;
        var heardAt = clock - LivenessRules.SilenceAfter(heard.Kind, age > TimeSpan.Zero ? age : TimeSpan.Zero, options);

        // Several JetStream streams carry signs of life, and none waits for another: an older one does not take a newer one back.
        if (storedAt >= pulse.StoredAt)
        {
            (pulse.HeardAt, pulse.StoredAt) = (heardAt, storedAt);
        }

        Look(pulse);
        return pulse;
    }

    /// <summary>Follows a node no longer: it left its overlay.</summary>
    public void Forget(string identity)
    {
        if (pulses.Remove(identity, out var pulse))
        {
            pulse.IsForgotten = true;
        }
    }

    /// <summary>Lets time pass in which the partition could hear.</summary>
    public void Advance(TimeSpan listened)
    {
        clock += listened;
        wheel.Advance((long)clock.TotalSeconds, (pulse, tick) =>
        {
            // Another entry, for an earlier tick, stands for the node by now.
            if (pulse.Tick == tick && !pulse.IsForgotten)
            {
                pulse.Tick = 0;
                Look(pulse);
            }
        });
    }

    /// <summary>The changes that are to be announced, at most so many. Each must be confirmed, or put back.</summary>
    public IReadOnlyList<(NodePulse Pulse, LivenessChange Change)> TakeChanges(int max, DateTimeOffset now)
    {
        var taken = new List<(NodePulse, LivenessChange)>();
        while (taken.Count < max && changed.TryDequeue(out var pulse))
        {
            pulse.IsQueued = false;
            var judged = Judge(pulse);
            if (!pulse.IsForgotten && judged != pulse.State)
            {
                taken.Add((pulse, new LivenessChange(pulse.State, judged, DateTimeOffset.FromUnixTimeSeconds(pulse.StoredAt), now)));
            }
        }

        return taken;
    }

    /// <summary>A change was announced.</summary>
    public void Confirm(NodePulse pulse, NodeLiveness announced)
    {
        pulse.State = announced;
        pulse.ReturnedAt = announced == NodeLiveness.Returned ? clock : pulse.ReturnedAt;
        Look(pulse);
    }

    /// <summary>A change could not be announced: it is among the next ones.</summary>
    public void PutBack(NodePulse pulse) => Look(pulse);

    public IEnumerable<PulseRecord> Records() => pulses.Values.Select(pulse => new PulseRecord(
        pulse.Identity,
        pulse.State,
        Silence(pulse),
        pulse.StoredAt,
        pulse.Sequence,
        pulse.Processes.Current,
        pulse.Processes.Former,
        pulse.Processes.CurrentSince,
        pulse.Processes.FormerSince,
        pulse.Sighting));

    /// <summary>Takes over what another activation had heard and announced. What this one has heard of the node since is newer.</summary>
    /// <param name="record">A node of the snapshot.</param>
    /// <param name="isExact">
    /// Whether all that was heard after the snapshot is told as well. Otherwise the node may have been heard, and that was acknowledged: it
    /// begins anew, since a node that lives must never be called late. One that died is found so much later.
    /// </param>
    public void Restore(PulseRecord record, bool isExact)
    {
        var wasHeard = pulses.ContainsKey(record.Identity);
        if (FindOrAdd(record.Identity) is not { } pulse)
        {
            return;
        }

        pulse.State = record.State;
        pulse.ReturnedAt = clock;
        pulse.Sighting = record.Sighting;
        if (!wasHeard)
        {
            // Those that were silent already stay so until they are heard: less silence would look like a return.
            var wasSilent = record.State is NodeLiveness.Late or NodeLiveness.Lost;
            pulse.HeardAt = clock - (isExact || wasSilent ? record.Silence : TimeSpan.Zero);
            pulse.StoredAt = record.StoredAt;
            pulse.Sequence = record.Sequence;
            pulse.Processes = new ProcessTrail(record.Process, record.FormerProcess, record.ProcessSince, record.FormerProcessSince);
        }

        Look(pulse);
    }

    // Sequences begin anew when somebody makes the JetStream stream anew; its messages are younger then.
    private static bool IsRepeat(NodePulse pulse, FleetEvent heard, long storedAt) =>
        heard.IsOfLifecycle && heard.Sequence <= pulse.Sequence && storedAt <= pulse.StoredAt;

    private NodePulse? FindOrAdd(string identity)
    {
        if (pulses.TryGetValue(identity, out var known))
        {
            return known;
        }

        if (pulses.Count >= options.NodesPerPartitionMax)
        {
            Refused++;
            return null;
        }

        return pulses[identity] = new NodePulse(identity) { HeardAt = clock };
    }

    private TimeSpan Silence(NodePulse pulse) => clock - pulse.HeardAt;

    private NodeLiveness Judge(NodePulse pulse) =>
        LivenessRules.Judge(pulse.State, Silence(pulse), clock - pulse.ReturnedAt, options);

    /// <summary>Queues a node whose state is to be announced, and sees that it is looked at again when that could change.</summary>
    private void Look(NodePulse pulse)
    {
        var silence = Silence(pulse);
        if (silence >= options.ForgetAfter && pulse.State == NodeLiveness.Lost)
        {
            Forget(pulse.Identity);
            return;
        }

        if (!pulse.IsQueued && Judge(pulse) != pulse.State)
        {
            pulse.IsQueued = true;
            changed.Enqueue(pulse);
        }

        var look = pulse.HeardAt + LivenessRules.NextLook(silence, options);
        if (pulse.State == NodeLiveness.Returned && pulse.ReturnedAt + options.LateAfter < look)
        {
            look = pulse.ReturnedAt + options.LateAfter;
        }

        var tick = (long)Math.Ceiling(look.TotalSeconds);
        if (pulse.Tick == 0 || tick < pulse.Tick)
        {
            pulse.Tick = wheel.Add(pulse, tick);
        }
    }
}
