// Over 400 lines: counts, groups and leases follow from the nodes and change with them in one step; apart, they could disagree.
using System.Collections.Frozen;
using ControlPlane.Placement.Plans;
using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement;

/// <summary>
/// All that a region's placement knows: nodes, overlays, groups, policies and plans, and the counts that follow from them.
/// </summary>
/// <remarks>
/// Mutable and owned by one activation. It changes only by <see cref="Apply"/>, live and at replay alike, so what is restored is
/// what was decided. Counts and groups are derived from the nodes, so they cannot drift from them.
/// </remarks>
internal sealed class RegionState
{
    /// <summary>How many shards the nodes are stored in. Fixed: a node is looked for where it was written.</summary>
    public const int Shards = 256;

    /// <summary>How many texts are remembered together with what the policy reads in them.</summary>
    private const int ReadMax = 4096;

    private readonly Dictionary<string, PlacedNode>[] nodes = new Dictionary<string, PlacedNode>[Shards];
    private readonly Dictionary<string, OverlayEntry> overlays = new(StringComparer.Ordinal);
    private readonly List<OverlayEntry> byNumber = [];
    private readonly Dictionary<string, string> homings = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AttributeBag> bags = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Claims, string Enrolment, string Facts), AttributeBag> read = [];
    private readonly PriorityQueue<(string Identity, int Attempt), DateTimeOffset> leases = new();
    private Dictionary<string, GroupEntry> groups = new(StringComparer.Ordinal);
    private OverlayEntry[] ordered = [];
    private readonly Dictionary<int, PlacementPolicy> earlier = [];
    private readonly HashSet<string> restored = new(StringComparer.Ordinal);
    private bool isRestoring;
    private long latest;

    public RegionState()
    {
        for (var i = 0; i < Shards; i++)
        {
            nodes[i] = new Dictionary<string, PlacedNode>(StringComparer.Ordinal);
        }
    }

    public PlacementPolicy Policy { get; private set; } = PlacementPolicy.Default;

    public PolicyHistory History { get; private set; } = PolicyHistory.Empty;

    public PlanList Plans { get; private set; } = PlanList.Empty;

    /// <summary>Who left the fleet.</summary>
    public DepartedNodes Departed { get; } = new();

    /// <summary>Who asked for a place and has none.</summary>
    public UnplacedNodes Unplaced { get; } = new();

    /// <summary>When this history began: another one does not know what this one was told.</summary>
    public DateTimeOffset? Born { get; private set; }

    /// <summary>Whether groups may live in an overlay of which this is not known: it has not reported to a new leader yet.</summary>
    public bool AwaitsReports => Array.Exists(ordered, overlay => overlay.Awaited is not null);

    /// <summary>Which overlay holds the region's placement; null while the configured one does.</summary>
    public PlacementChange.LeaderSet? Leader { get; private set; }

    /// <summary>How many changes were applied since the region began.</summary>
    public long Sequence { get; set; }

    public int NodeCount { get; private set; }

    /// <summary>In order of name.</summary>
    public IReadOnlyList<OverlayEntry> Overlays => ordered;

    /// <summary>In the order of <see cref="OverlayEntry.Number"/>.</summary>
    public IReadOnlyList<OverlayEntry> OverlaysByNumber => byNumber;

    public IReadOnlyCollection<GroupEntry> Groups => groups.Values;

    public IReadOnlyDictionary<string, string> Homings => homings;

    public bool[] ChangedShards { get; } = new bool[Shards];

    public static int ShardOf(string identity) => StableHash.Bucket(identity, Shards);

    public OverlayEntry? Overlay(string name) => overlays.GetValueOrDefault(name);

    public GroupEntry? Group(string id) => groups.GetValueOrDefault(id);

    public PlacedNode? Node(string identity) => nodes[ShardOf(identity)].GetValueOrDefault(identity);

    public IReadOnlyCollection<PlacedNode> NodesOf(int shard) => nodes[shard].Values;

    public IEnumerable<PlacedNode> AllNodes() => nodes.SelectMany(shard => shard.Values);

    /// <summary>Stamps a decision that is made now: later than all that the ledger knows, whatever the clock says.</summary>
    public DecisionStamp Stamp(DateTimeOffset now) => new(Leader?.Epoch ?? 0, latest = Math.Max(now.UtcTicks, latest + 1));

    public Applicant ApplicantOf(PlacedNode node) => new(node.Identity, Bag(node.Attributes));

    /// <summary>The shared bag for stored values.</summary>
    public AttributeBag Bag(string json)
    {
        if (!bags.TryGetValue(json, out var bag))
        {
            bags[json] = bag = AttributeBag.Restore(Policy, json);
        }

        return bag;
    }

    /// <summary>
    /// The shared bag for what a request brings. Tokens are baked into images: a fleet has few, and reading one costs more than deciding.
    /// </summary>
    public AttributeBag ReadBag(string claimsJson, string enrolmentJson, string factsJson)
    {
        var key = (claimsJson, enrolmentJson, Policy.ReadsFacts ? factsJson : "");
        if (!read.TryGetValue(key, out var bag))
        {
            if (read.Count >= ReadMax)
            {
                read.Clear();
            }

            read[key] = bag = Share(AttributeBag.Read(Policy, claimsJson, enrolmentJson, factsJson));
        }

        return bag;
    }

    /// <summary>The shared bag for values that were just read.</summary>
    public AttributeBag Share(AttributeBag read)
    {
        if (bags.TryGetValue(read.Json, out var known))
        {
            return known;
        }

        bags[read.Json] = read;
        return read;
    }

    /// <summary>Takes over the limits and labels that are configured now. Overlays that left the configuration keep their nodes.</summary>
    public void Configure(OverlaysOptions options)
    {
        foreach (var overlay in byNumber)
        {
            overlay.IsConfigured = options.Members.TryGetValue(overlay.Name, out var member);
            if (member is null)
            {
                (overlay.SoftLimit, overlay.HardLimit) = (0, 0);
                continue;
            }

            overlay.Labels = member.Labels.ToFrozenDictionary(StringComparer.Ordinal);
            (overlay.SoftLimit, overlay.HardLimit) = Capacity.LimitsOf(Policy.Capacity, member);
        }

        CountGroups();
    }

    public void Apply(PlacementChange entry)
    {
        Sequence++;
        switch (entry)
        {
            case PlacementChange.Opened opened:
                Born ??= opened.At;
                break;
            case PlacementChange.NodeChanged changed:
                Unplaced.Forget(changed.Node.Identity);
                Replace(changed.Node.Identity, changed.Node);
                break;
            case PlacementChange.NodeForgotten forgotten:
                Unplaced.Forget(forgotten.Identity);
                Replace(forgotten.Identity, null);
                Leave(forgotten.Identity, forgotten.Decided);
                break;
            case PlacementChange.NodeUnplaced unplaced:
                Unplaced.Set(unplaced);
                break;
            case PlacementChange.OverlaySet set:
                SetState(set);
                EndUntold(!AwaitsReports);
                break;
            case PlacementChange.PlacesUntold untold:
                Mention(untold.Overlay).Untold = untold.Places;
                break;
            case PlacementChange.GroupHomed homed:
                HomeGroup(homed.Group, homed.Overlay);
                break;
            case PlacementChange.PolicyApplied applied:
                History = History.With(applied.Policy);
                Adopt(PolicyHistory.Compile(applied.Policy));
                break;
            case PlacementChange.LeaderSet leader:
                EndUntold(leader.Epoch != Leader?.Epoch);
                Leader = leader;
                KeepOnly(leader.KeptOverlay);
                break;
            case PlacementChange.PlanChanged changed:
                Plans = Plans.With(changed.Plan);
                break;
        }
    }

    /// <summary>Takes over what the head record holds; the nodes follow shard by shard.</summary>
    public void Restore(PlacementHead head)
    {
        Sequence = head.Sequence;
        foreach (var set in head.Overlays)
        {
            SetState(set);
        }

        foreach (var untold in head.Untold)
        {
            Mention(untold.Overlay).Untold = untold.Places;
        }

        foreach (var (group, overlay) in head.Homings)
        {
            homings[group] = overlay;
        }

        foreach (var unplaced in head.Unplaced)
        {
            Unplaced.Set(unplaced);
        }

        (History, Plans, Leader, Born) = (head.Policies, head.Plans, head.Leader, head.Born);
        if (History.Current is { } current)
        {
            Policy = PolicyHistory.Compile(current);
        }
    }

    /// <summary>A copy that decides by another policy: what is tried on it changes nothing here.</summary>
    public RegionState Shadow(OverlaysOptions options, PlacementPolicy policy)
    {
        var shadow = new RegionState { Policy = policy, Sequence = Sequence };
        shadow.BeginRestore();
        foreach (var overlay in byNumber)
        {
            shadow.SetState(new PlacementChange.OverlaySet(
                overlay.Name, overlay.State, overlay.StateReason, DateTimeOffset.UnixEpoch) { Awaited = overlay.Awaited });
        }

        foreach (var (group, overlay) in homings)
        {
            shadow.homings[group] = overlay;
        }

        foreach (var node in AllNodes())
        {
            shadow.RestoreNode(node);
        }

        shadow.EndRestore(options);
        return shadow;
    }

    /// <summary>Between the two, nodes are counted and groups are not: those are derived once at the end.</summary>
    public void BeginRestore() => isRestoring = true;

    public void EndRestore(OverlaysOptions options)
    {
        isRestoring = false;
        restored.Clear();
        Configure(options);
    }

    /// <summary>Takes over a shard that is empty so far.</summary>
    public void RestoreShard(int number, PackedShard packed)
    {
        var shard = nodes[number];
        shard.EnsureCapacity(packed.Nodes.Length);
        foreach (var node in packed.Unpack(Share))
        {
            shard.Add(node.Identity, node);
            Added(node);
        }

        foreach (var departed in packed.Departed ?? [])
        {
            Leave(departed.Identity, departed.Decided);
        }
    }

    // One string for equal texts, whichever shard brought it.
    private string Share(string text)
    {
        if (!restored.TryGetValue(text, out var known))
        {
            restored.Add(known = text);
        }

        return known;
    }

    private void RestoreNode(PlacedNode node) => Replace(node.Identity, node);

    /// <summary>The next reservation whose time is over; null when none is. Each one is given once.</summary>
    public PlacedNode? NextLapsed(DateTimeOffset now)
    {
        while (leases.TryPeek(out var due, out var at) && at <= now)
        {
            leases.Dequeue();

            // Renewed, confirmed or released since: that lease is of the past.
            if (Node(due.Identity) is { LiveHold: { } hold } node && hold.Attempt == due.Attempt && hold.Until <= now)
            {
                return node;
            }
        }

        return null;
    }

    /// <summary>The policy of a version, to read old traces by; null when it is no longer kept.</summary>
    public PlacementPolicy? PolicyAt(int version)
    {
        if (version == Policy.Version)
        {
            return Policy;
        }

        if (!earlier.TryGetValue(version, out var policy) && Array.Find(History.Versions, kept => kept.Version == version) is { } kept)
        {
            earlier[version] = policy = PolicyHistory.Compile(kept);
        }

        return version == PlacementPolicy.Default.Version ? PlacementPolicy.Default : policy;
    }

    /// <summary>What the head record holds.</summary>
    public PlacementHead Capture() => new()
    {
        Sequence = Sequence,
        Overlays = [.. byNumber.Select(overlay =>
            new PlacementChange.OverlaySet(
                overlay.Name, overlay.State, overlay.StateReason, DateTimeOffset.UnixEpoch) { Awaited = overlay.Awaited })],
        Untold = [.. byNumber.Where(overlay => overlay.Untold > 0)
            .Select(overlay => new PlacementChange.PlacesUntold(overlay.Name, overlay.Untold))],
        Unplaced = Unplaced.Capture(),
        Born = Born,
        Policies = History,
        Plans = Plans,
        Leader = Leader,
        Homings = new Dictionary<string, string>(homings, StringComparer.Ordinal),
    };

    /// <summary>Drops bags of attribute values that no node has any more.</summary>
    public void Tidy()
    {
        if (bags.Count <= 2 * NodeCount + 1024)
        {
            return;
        }

        bags.Clear();
        read.Clear();
    }

    /// <summary>Decides by another policy from now on: attributes and groups are read anew from what is stored of each node.</summary>
    public void Adopt(PlacementPolicy policy)
    {
        Policy = policy;
        bags.Clear();
        read.Clear();
        CountGroups();
    }

    private void KeepOnly(string? overlay)
    {
        foreach (var node in overlay is null ? [] : AllNodes().Where(node => !node.Concerns(overlay)).ToArray())
        {
            Replace(node.Identity, null);
        }
    }

    private void SetState(PlacementChange.OverlaySet set)
    {
        var overlay = Mention(set.Overlay);
        var wasRetired = overlay.State == OverlayState.Retired;
        (overlay.State, overlay.StateReason, overlay.Awaited) = (set.State, set.Reason, set.Awaited);
        if (wasRetired != (set.State == OverlayState.Retired))
        {
            CountGroups();
        }
    }

    /// <summary>Derives all groups anew. Needed when what decides a group's home changed for many at once.</summary>
    private void CountGroups()
    {
        if (isRestoring)
        {
            return;
        }

        groups = new Dictionary<string, GroupEntry>(StringComparer.Ordinal);
        foreach (var overlay in byNumber)
        {
            overlay.Promised = 0;
        }

        foreach (var node in AllNodes())
        {
            Count(node, +1, placesToo: false);
        }
    }

    private void HomeGroup(string group, string? overlay)
    {
        if (overlay is null)
        {
            homings.Remove(group);
        }
        else
        {
            homings[group] = overlay;
        }

        if (groups.TryGetValue(group, out var entry))
        {
            Promise(entry, -1);
            entry.Target = overlay is null ? null : Mention(overlay);
            Promise(entry, +1);
        }
    }

    private void EndUntold(bool isTold)
    {
        foreach (var overlay in isTold ? byNumber : [])
        {
            overlay.Untold = 0;
        }
    }

    private void Leave(string identity, DecisionStamp decided)
    {
        latest = Math.Max(latest, decided.Ticks);
        Departed.Set(identity, decided);
    }

    private OverlayEntry Mention(string name)
    {
        if (!overlays.TryGetValue(name, out var overlay))
        {
            overlays[name] = overlay = new OverlayEntry(name, byNumber.Count);
            byNumber.Add(overlay);
            ordered = [.. byNumber.OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        }

        return overlay;
    }

    private void Replace(string identity, PlacedNode? node)
    {
        var number = ShardOf(identity);
        var shard = nodes[number];
        ChangedShards[number] = true;
        if (shard.TryGetValue(identity, out var before))
        {
            Count(before, -1, placesToo: true);
            NodeCount--;
        }

        if (node is null)
        {
            shard.Remove(identity);
            return;
        }

        // One string for equal attributes and names, however many nodes a shard or a call brought its own copies for.
        node = node with
        {
            Attributes = Bag(node.Attributes).Json,
            Home = node.Home is null ? null : Mention(node.Home).Name,
            Keeper = node.Keeper is null ? null : overlays.GetValueOrDefault(node.Keeper)?.Name ?? node.Keeper,
        };
        shard[identity] = node;
        Added(node);
    }

    private void Added(PlacedNode node)
    {
        NodeCount++;
        latest = Math.Max(latest, Math.Max(node.Decided.Ticks, node.Held?.Decided.Ticks ?? 0));
        Count(node, +1, placesToo: true);
        if (node.LiveHold is { } hold)
        {
            leases.Enqueue((node.Identity, hold.Attempt), hold.Until);
        }
    }

    private void Count(PlacedNode node, int delta, bool placesToo)
    {
        if (placesToo && node.Home is not null)
        {
            var home = Mention(node.Home);
            home.Nodes += delta;
            var decided = unchecked(node.Decided.Ticks + (node.Decided.Epoch << 48));
            home.Digests[ShardOf(node.Identity)] ^= StableHash.Digest(node.Identity, decided);
        }

        if (placesToo && node.LiveHold is { } hold && hold.Overlay != node.Home)
        {
            Mention(hold.Overlay).Reserved += delta;
        }

        if (isRestoring || node.Place is not { } place)
        {
            return;
        }

        foreach (var membership in Policy.GroupsOf(ApplicantOf(node)))
        {
            CountIn(membership, node, Mention(place), delta);
        }
    }

    private void CountIn(GroupMembership membership, PlacedNode node, OverlayEntry overlay, int delta)
    {
        if (!groups.TryGetValue(membership.Id, out var group))
        {
            groups[membership.Id] = group = new GroupEntry(membership.Id, membership.Rule);
            if (homings.TryGetValue(membership.Id, out var target))
            {
                group.Target = Mention(target);
            }
        }

        Promise(group, -1);
        group.Add(overlay, delta);
        if (Policy.Capacity.ReserveDeclared && Policy.Groups[membership.Rule].Mode == GroupMode.Required)
        {
            group.Declare(Math.Min(node.Declared, Policy.Groups[membership.Rule].DeclaredBy(ApplicantOf(node))), delta);
        }

        Promise(group, +1);
        if (group.Members == 0)
        {
            groups.Remove(membership.Id);
        }
    }

    // A group without members promises nothing: that is how its places return when the enrolment that opened it dies.
    private static void Promise(GroupEntry group, int sign)
    {
        if (group.Members > 0 && group.Lives is { } home)
        {
            home.Promised += sign * group.Promise;
        }
    }
}
