using System.Collections.Immutable;
using ControlPlane.Enrolment;
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>The nodes of one slice, ordered by identity for lists and by due time for work.</summary>
internal sealed class Roster
{
    private readonly SortedDictionary<string, RosterEntry> entries = new(StringComparer.Ordinal);
    private readonly SortedSet<RosterEntry> due = new(DueOrder.Instance);

    /// <summary>Nodes that wait for an overlay's control to change: they cost a look at each mark, not at each node.</summary>
    private readonly Dictionary<ControlMark, HashSet<string>> parked = [];

    /// <summary>Nodes that were called and have not answered, with what was recorded of them meanwhile.</summary>
    private readonly Dictionary<string, RosterEntry?> called = new(StringComparer.Ordinal);

    public ImmutableArray<RosterEntry> Entries => [.. entries.Values];

    /// <summary>Nodes that are held and were never placed: nobody knows yet whether they are any.</summary>
    public int Unshown { get; private set; }

    /// <summary>Takes over what was stored.</summary>
    /// <remarks>
    /// An arrival makes nothing due, so it is stored with the next tick: a silo that died before has left the node waiting for it here.
    /// Asking each such node once costs one call; waiting for its deadline would show an enrolled node as under way for minutes.
    /// </remarks>
    public void Load(ImmutableArray<RosterEntry> stored, DateTimeOffset now)
    {
        foreach (var entry in stored)
        {
            Set(entry.Stage == NodeStage.Restarted ? entry with { DueAt = now } : entry);
        }
    }

    /// <summary>Records an entry.</summary>
    /// <returns>Whether it must be stored before the caller may rely on it: it makes the node due earlier than what is stored.</returns>
    public bool Put(RosterEntry entry)
    {
        if (called.ContainsKey(entry.Identity))
        {
            // What is stored is due, so the node is called again if we die; and it is called again when this call returns.
            called[entry.Identity] = entry;
            return false;
        }

        var previous = entries.GetValueOrDefault(entry.Identity);
        Set(entry);
        return entry.DueAt is { } at && (previous?.DueAt is not { } before || at < before);
    }

    /// <summary>Records how alive a node is, and leaves when it is due alone.</summary>
    public void Mark(string identity, NodeLiveness liveness, string? agentVersion, DateTimeOffset now)
    {
        if (called.GetValueOrDefault(identity) is { } meanwhile)
        {
            called[identity] = meanwhile with { Liveness = liveness, AgentVersion = agentVersion ?? meanwhile.AgentVersion };
        }

        var entry = entries.GetValueOrDefault(identity) ?? new RosterEntry(identity, NodeStage.Unknown, null, null, now, null);
        var marked = entry with { Liveness = liveness, AgentVersion = agentVersion ?? entry.AgentVersion };

        // One that is being called is not due a second time.
        if (called.ContainsKey(identity))
        {
            entries[identity] = marked;
        }
        else
        {
            Set(marked);
        }
    }

    public RosterEntry? Find(string identity) => entries.GetValueOrDefault(identity);

    /// <summary>The node that is due longest, taken off the queue until it is <see cref="Returned"/>; null when none is due.</summary>
    /// <remarks>Its entry stays in the list as it is: what is stored of a node that is being called must still be due.</remarks>
    public RosterEntry? TakeDue(DateTimeOffset now)
    {
        if (due.Min is not { } first || first.DueAt > now)
        {
            return null;
        }

        due.Remove(first);
        Leave(first);
        called[first.Identity] = null;
        return first;
    }

    /// <summary>Takes one off the queue that is not due by itself; null when it is not listed, or was taken already.</summary>
    /// <remarks>In the list it is due from now on, so that another silo goes on with what is begun here.</remarks>
    public RosterEntry? Take(string identity, DateTimeOffset now)
    {
        if (called.ContainsKey(identity) || !entries.TryGetValue(identity, out var entry))
        {
            return null;
        }

        Set(entry with { DueAt = entry.DueAt < now ? entry.DueAt : now, WaitsFor = null });
        var taken = entries[identity];
        due.Remove(taken);
        called[identity] = null;
        return taken;
    }

    /// <summary>Makes those due whose overlay's control has changed.</summary>
    /// <returns>Whether there were any.</returns>
    public bool Unpark(EnrolmentControls controls, DateTimeOffset now)
    {
        var freed = parked.Where(mark => controls.HasChangedSince(mark.Key)).SelectMany(mark => mark.Value).ToList();
        foreach (var identity in freed)
        {
            Set(entries[identity] with { DueAt = now, WaitsFor = null });
        }

        return freed.Count > 0;
    }

    /// <summary>Puts a node back as its call left it; what was recorded in between counts more when it is due.</summary>
    public void Returned(RosterEntry after)
    {
        called.Remove(after.Identity, out var meanwhile);
        if (meanwhile is null && after is { Stage: NodeStage.Unknown, DueAt: null, Liveness: NodeLiveness.Unknown })
        {
            Remove(after.Identity);
            return;
        }

        Set(meanwhile is { DueAt: not null } ? meanwhile : after);
    }

    /// <summary>Takes a node off the list. False when it was not there.</summary>
    public bool Remove(string identity)
    {
        if (!entries.Remove(identity, out var entry))
        {
            return false;
        }

        due.Remove(entry);
        Leave(entry);
        Unshown -= IsUnshown(entry) ? 1 : 0;
        return true;
    }

    /// <summary>What is said of a node that was taken off the list.</summary>
    public static RosterEntry Forgotten(string identity, DateTimeOffset now) => new(identity, NodeStage.Unknown, null, null, now, null);

    public IReadOnlyList<RosterEntry> List(NodeStage? stage, string? afterIdentity, int limit) =>
        entries.Values
            .Where(entry => afterIdentity is null || string.CompareOrdinal(entry.Identity, afterIdentity) > 0)
            .Where(entry => stage is null || entry.Stage == stage)
            .Take(limit)
            .ToArray();

    /// <summary>Whether an answer of the node in provisioning mode is news: nobody enrols it, or it was taken for dead.</summary>
    public static bool IsMissing(RosterEntry entry, DateTimeOffset at) =>
        entry.Stage is NodeStage.Unknown or NodeStage.Enrolled or NodeStage.Silent
        || (entry.Stage == NodeStage.Elsewhere && at - entry.Since > EnrolmentDecision.HandOverPatience);

    /// <summary>Whether a sign of life from an overlay may be an arrival. It is none of who lives there, or was never enrolled.</summary>
    public static bool IsAwaited(RosterEntry entry) => entry.Stage is not (NodeStage.Unknown or NodeStage.Enrolled or NodeStage.Gone);

    /// <summary>Whether an enrolment may begin with a start in provisioning mode: what is delivered again is no news.</summary>
    public static bool IsBegunBy(RosterEntry entry, DateTimeOffset startedAt) =>
        entry.Stage == NodeStage.Unknown || (entry.Stage != NodeStage.Gone && startedAt > entry.Since);

    public IReadOnlyDictionary<NodeStage, int> Count() =>
        entries.Values.CountBy(entry => entry.Stage).ToDictionary();

    private void Set(RosterEntry entry)
    {
        if (entries.TryGetValue(entry.Identity, out var previous))
        {
            due.Remove(previous);
            Leave(previous);
            Unshown -= IsUnshown(previous) ? 1 : 0;
        }

        entries[entry.Identity] = entry;
        Unshown += IsUnshown(entry) ? 1 : 0;
        if (entry.DueAt is not null)
        {
            due.Add(entry);
        }

        if (entry.WaitsFor is { } mark)
        {
            parked.TryAdd(mark, new HashSet<string>(StringComparer.Ordinal));
            parked[mark].Add(entry.Identity);
        }
    }

    private static bool IsUnshown(RosterEntry entry) =>
        entry is { Overlay: null, Stage: NodeStage.Silent or NodeStage.Quarantined or NodeStage.Deferred };

    private void Leave(RosterEntry entry)
    {
        if (entry.WaitsFor is { } mark && parked.TryGetValue(mark, out var waiting))
        {
            waiting.Remove(entry.Identity);
            if (waiting.Count == 0)
            {
                parked.Remove(mark);
            }
        }
    }

    private sealed class DueOrder : IComparer<RosterEntry>
    {
        public static readonly DueOrder Instance = new();

        public int Compare(RosterEntry? x, RosterEntry? y)
        {
            var byDue = Nullable.Compare(x?.DueAt, y?.DueAt);
            if (byDue != 0)
            {
                return byDue;
            }

            var byAge = Nullable.Compare(x?.Since, y?.Since);
            return byAge != 0 ? byAge : string.CompareOrdinal(x?.Identity, y?.Identity);
        }
    }
}
