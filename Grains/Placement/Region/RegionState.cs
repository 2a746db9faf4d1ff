// Over 400 lines: counts and groups follow from the nodes and change with them in one step; apart, they could disagree.
using System.Collections.Frozen;
using ControlPlane.Placement.Plans;
using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement;

/// <summary>
/// What a region's placement decides by: its own policies, plans and leader, and a copy of what each overlay says of its nodes.
/// </summary>
/// <remarks>
/// Mutable and owned by one activation. The copy is rebuilt by asking the overlays, and may be behind: whether a place is to be had, the
/// overlay says. Counts and groups are derived from the nodes, so they cannot drift from them.
/// </remarks>
internal sealed class RegionState
{
    /// <summary>How many texts are remembered together with what the policy reads in them.</summary>
    private const int ReadMax = 4096;

    /// <summary>How many attribute values are kept beyond two for each node.</summary>
    private const int BagsSpare = 1024;

    private readonly Dictionary<string, PlacedNode> nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OverlayEntry> overlays = new(StringComparer.Ordinal);
    private readonly List<OverlayEntry> byNumber = [];
    private readonly Dictionary<string, string> homings = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AttributeBag> bags = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Claims, string Enrolment, string Facts), AttributeBag> read = [];
    private readonly Dictionary<string, SortedSet<string>> gone = new(StringComparer.Ordinal);

    // What each overlay says of a node, where more than one says something: it moves, or the owner before does not know that it did.
    private readonly Dictionary<string, PlacedNode[]> several = new(StringComparer.Ordinal);
    private readonly HashSet<string> planned = new(StringComparer.Ordinal);
    private Dictionary<string, GroupEntry> groups = new(StringComparer.Ordinal);
    private OverlayEntry[] ordered = [];
    private readonly Dictionary<int, PlacementPolicy> earlier = [];
    private bool isRestoring;
    private long latest;

    public PlacementPolicy Policy { get; private set; } = PlacementPolicy.Default;

    public PolicyHistory History { get; private set; } = PolicyHistory.Empty;

    public PlanList Plans { get; private set; } = PlanList.Empty;

    /// <summary>Who asked for a place and has none.</summary>
    public UnplacedNodes Unplaced { get; } = new();

    /// <summary>Whether groups may live in an overlay of which this is not known: it has not said who lives there.</summary>
    public bool MissesOverlays =>
        Array.Exists(ordered, overlay => overlay is { IsListed: false, IsConfigured: true, State: not OverlayState.Retired });

    /// <summary>Which overlay leads the region; null while the configured one does.</summary>
    public PlacementChange.LeaderSet? Leader { get; private set; }

    /// <summary>How many changes the copy has seen: it orders explanations.</summary>
    public long Sequence { get; private set; }

    public int NodeCount => nodes.Count;

    /// <summary>In order of name.</summary>
    public IReadOnlyList<OverlayEntry> Overlays => ordered;

    /// <summary>In the order of <see cref="OverlayEntry.Number"/>.</summary>
    public IReadOnlyList<OverlayEntry> OverlaysByNumber => byNumber;

    public IReadOnlyCollection<GroupEntry> Groups => groups.Values;

    public IReadOnlyDictionary<string, string> Homings => homings;

    public OverlayEntry? Overlay(string name) => overlays.GetValueOrDefault(name);

    public GroupEntry? Group(string id) => groups.GetValueOrDefault(id);

    public PlacedNode? Node(string identity) => nodes.GetValueOrDefault(identity);

    public IReadOnlyCollection<PlacedNode> AllNodes() => nodes.Values;

    /// <summary>Stamps a decision that is made now: later than all that is known here, whatever the clock says.</summary>
    public DecisionStamp Stamp(DateTimeOffset now) => new(Leader?.Leader.Epoch ?? 0, latest = Math.Max(now.UtcTicks, latest + 1));

    public Applicant ApplicantOf(PlacedNode node) => new(node.Identity, Bag(node.Attributes));

    /// <summary>Who lives elsewhere by a later decision, and is still listed by an overlay that does not know.</summary>
    public IEnumerable<(string Identity, string Overlay)> MovedAway => several.Values.SelectMany(claims => claims)
        .Where(claim => claim.Home is { } home && Node(claim.Identity)?.Home != home)
        .Select(claim => (claim.Identity, claim.Home!));

    /// <summary>Which overlay a node was decommissioned from; null when it was not.</summary>
    public string? GoneFrom(string identity) => gone.GetValueOrDefault(identity)?.Min;

    /// <summary>Of whom an overlay says something, or said that it was decommissioned.</summary>
    public IEnumerable<string> ToldBy(string overlay) =>
        AllNodes().Where(node => node.Home == overlay || node.Held?.Overlay == overlay).Select(node => node.Identity)
            .Concat(several.Where(node => Array.Exists(node.Value, claim => Teller(claim) == overlay)).Select(node => node.Key))
            .Concat(gone.Where(node => node.Value.Contains(overlay)).Select(node => node.Key));

    /// <summary>Nodes for which a plan holds a place.</summary>
    public IReadOnlyCollection<string> Planned => planned;

    /// <summary>What an overlay last said of a node, or was asked to; null when nothing.</summary>
    public PlacedNode? ClaimOf(string overlay, string identity) => several.TryGetValue(identity, out var claims)
        ? Array.Find(claims, claim => Teller(claim) == overlay)
        : Node(identity) is { } only && Teller(only) == overlay ? only : null;

    /// <summary>Takes over what an overlay says of a node. Of two overlays that claim it, the later decision holds.</summary>
    /// <remarks>What is known in the end is the same in whatever order overlays are heard.</remarks>
    /// <param name="overlay">Which overlay.</param>
    /// <param name="identity">The node.</param>
    /// <param name="told">What it says; null when it does not know the node.</param>
    /// <param name="isAsked">Whether it has only been asked for that, and has not answered.</param>
    /// <returns>When a reservation ended by that: whether the node failed to arrive; otherwise null.</returns>
    public bool? Take(string overlay, string identity, PlacedNode? told, bool isAsked = false)
    {
        NoteGone(overlay, identity, told is { IsGone: true });
        var known = Node(identity);
        var others = (several.GetValueOrDefault(identity) ?? (known is null ? Array.Empty<PlacedNode>() : [known]))
            .Where(claim => Teller(claim) != overlay);
        PlacedNode[] claims = told is null or { IsGone: true } ? [.. others] : [.. others, told];
        if (claims.Length > 1)
        {
            several[identity] = claims;
        }
        else
        {
            several.Remove(identity);
        }

        var node = claims.Length > 1 ? Join(claims) : claims.FirstOrDefault();
        for (var i = 0; !isAsked && claims.Length > 1 && i < claims.Length; i++)
        {
            // A later decision took its place, for good: whatever becomes of that, nobody comes here any more.
            if (claims[i].LiveHold is { } hold && node!.Held != hold)
            {
                claims[i] = claims[i] with { Held = hold with { Lapsed = true } };
            }
        }

        Apply(node is null ? new PlacementChange.NodeForgotten(identity) : new PlacementChange.NodeChanged(node));
        return known?.LiveHold is { } before && before.Overlay == overlay && node?.LiveHold is null
            ? node?.Home != overlay || node.Decided != before.Decided
            : null;
    }

    // What one overlay says is about itself.
    private static string Teller(PlacedNode claim) => claim.Home ?? claim.Held!.Overlay;

    private static PlacedNode Join(PlacedNode[] claims)
    {
        var home = claims.Where(claim => claim.Home is not null)
            .MaxBy(claim => (claim.Decided.Epoch, claim.Decided.Ticks, claim.Home));
        var held = claims
            .Where(claim => claim.Held is { } hold && (home is null || ReferenceEquals(claim, home) || hold.Decided.IsAfter(home.Decided)))
            .MaxBy(claim => (claim.Held!.Decided.Epoch, claim.Held.Decided.Ticks, claim.Held.Overlay));

        // Groups count it where it will be, by what was told there.
        var last = held?.LiveHold is not null || home is null ? held! : home;
        return last with { Home = home?.Home, Decided = home?.Decided ?? default, Held = held?.Held };
    }

    private void NoteGone(string overlay, string identity, bool isGone)
    {
        if (isGone)
        {
            gone.TryAdd(identity, []);
            gone[identity].Add(overlay);
        }
        else if (gone.TryGetValue(identity, out var from) && from.Remove(overlay) && from.Count == 0)
        {
            gone.Remove(identity);
        }
    }

    /// <summary>The shared bag for stored values.</summary>
    public AttributeBag Bag(string json) => bags.GetValueOrDefault(json) ?? Keep(AttributeBag.Restore(Policy, json));

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
    public AttributeBag Share(AttributeBag bag) => bags.GetValueOrDefault(bag.Json) ?? Keep(bag);

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
            case PlacementChange.NodeChanged changed:
                Unplaced.Forget(changed.Node.Identity);
                Replace(changed.Node.Identity, changed.Node);
                break;
            case PlacementChange.NodeForgotten forgotten:
                Unplaced.Forget(forgotten.Identity);
                Replace(forgotten.Identity, null);
                break;
            case PlacementChange.OverlaySet set:
                SetState(set);
                break;
            case PlacementChange.GroupHomed homed:
                HomeGroup(homed.Group, homed.Overlay);
                break;
            case PlacementChange.PolicyApplied applied:
                History = History.With(applied.Policy);
                Adopt(PolicyHistory.Compile(applied.Policy));
                break;
            case PlacementChange.LeaderSet leader:
                Leader = leader;
                break;
            case PlacementChange.PlanChanged changed:
                Plans = Plans.With(changed.Plan);
                break;
        }
    }

    /// <summary>Takes over what is stored of the region; who lives where the overlays say.</summary>
    public void Restore(RegionRecord record)
    {
        foreach (var set in record.Overlays)
        {
            SetState(set);
        }

        foreach (var (group, overlay) in record.Homings)
        {
            homings[group] = overlay;
        }

        (History, Plans, Leader) = (record.Policies, record.Plans, record.Leader);
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
            var copy = shadow.Mention(overlay.Name);
            (copy.Decided, copy.IsListed, copy.IsReachable) = (overlay.Decided, overlay.IsListed, overlay.IsReachable);
        }

        foreach (var (group, overlay) in homings)
        {
            shadow.homings[group] = overlay;
        }

        foreach (var node in AllNodes())
        {
            shadow.Replace(node.Identity, node);
        }

        shadow.EndRestore(options);
        return shadow;
    }

    /// <summary>Between the two, nodes are counted and groups are not: those are derived once at the end.</summary>
    public void BeginRestore() => isRestoring = true;

    public void EndRestore(OverlaysOptions options)
    {
        isRestoring = false;
        Configure(options);
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

    /// <summary>What is stored of the region.</summary>
    public RegionRecord Capture() => new()
    {
        Overlays = [.. byNumber.Select(overlay =>
            new PlacementChange.OverlaySet(overlay.Name, overlay.Decided.State, overlay.Decided.Reason))],
        Policies = History,
        Plans = Plans,
        Leader = Leader,
        Homings = new Dictionary<string, string>(homings, StringComparer.Ordinal),
    };

    /// <summary>Decides by another policy from now on: attributes and groups are read anew from what is stored of each node.</summary>
    public void Adopt(PlacementPolicy policy)
    {
        Policy = policy;
        bags.Clear();
        read.Clear();
        CountGroups();
    }

    // Values change and nodes leave: when more are kept than nodes can have, most are of the past, and those in use are read anew.
    private AttributeBag Keep(AttributeBag bag)
    {
        if (bags.Count > (2 * NodeCount) + BagsSpare)
        {
            bags.Clear();
            read.Clear();
        }

        return bags[bag.Json] = bag;
    }

    private void SetState(PlacementChange.OverlaySet set)
    {
        var overlay = Mention(set.Overlay);
        var wasRetired = overlay.State == OverlayState.Retired;
        overlay.Decided = (set.State, set.Reason);
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

    public OverlayEntry Mention(string name)
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
        if (nodes.TryGetValue(identity, out var before))
        {
            Count(before, -1, placesToo: true);
            planned.Remove(identity);
        }

        if (node is null)
        {
            nodes.Remove(identity);
            return;
        }

        if (node.LiveHold is { Plan: not null })
        {
            planned.Add(identity);
        }

        // One string for equal attributes and names, however many copies of them messages brought.
        node = node with
        {
            Attributes = Bag(node.Attributes).Json,
            Home = node.Home is null ? null : Mention(node.Home).Name,
        };
        nodes[identity] = node;
        latest = Math.Max(latest, Math.Max(node.Decided.Ticks, node.Held?.Decided.Ticks ?? 0));
        Count(node, +1, placesToo: true);
    }

    private void Count(PlacedNode node, int delta, bool placesToo)
    {
        if (placesToo && node.Home is not null)
        {
            Mention(node.Home).Nodes += delta;
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
