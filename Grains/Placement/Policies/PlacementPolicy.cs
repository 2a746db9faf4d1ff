namespace ControlPlane.Placement.Policies;

/// <summary>A question about one node, or about one node and one overlay. Pure, total and of bounded cost.</summary>
internal delegate bool Predicate(in Applicant node, OverlayEntry? overlay);

/// <summary>A policy ready to decide by: checked, typed and compiled. Immutable.</summary>
internal sealed record PlacementPolicy
{
    public required string Name { get; init; }

    public int Version { get; init; }

    /// <summary>Where the version is written, or else the name.</summary>
    public DocumentPlace VersionAt { get; init; }

    public IReadOnlyList<AttributeRule> Attributes { get; init; } = [];

    public CapacityRule Capacity { get; init; } = new(null, null, null, true);

    public IReadOnlyList<PinRule> Pins { get; init; } = [];

    public IReadOnlyList<FilterRule> Filters { get; init; } = [];

    public IReadOnlyList<GroupRule> Groups { get; init; } = [];

    public IReadOnlyList<ScoreRule> Scores { get; init; } = [];

    public UnplaceableRule Unplaceable { get; init; } = new(UnplaceableAction.Defer, TimeSpan.FromSeconds(60),
        TimeSpan.FromMinutes(10), null);

    public RebalanceRule Rebalance { get; init; } = new(1.05, 200, null, true, 64);

    public DecisionRule Decision { get; init; } = new(false, TimeSpan.FromMilliseconds(500), true);

    public LeaderLostRule LeaderLost { get; init; } = LeaderLostRule.Defer;

    /// <summary>
    /// Whether any group rule asks for the node's identity; if none does, nodes with equal attributes share their groups.
    /// </summary>
    public bool GroupsByIdentity { get; init; }

    /// <summary>Whether any filter asks for the node's identity; if none does, nodes with equal attributes pass the same ones.</summary>
    public bool FiltersByIdentity { get; init; }

    /// <summary>Whether any attribute comes from what nodes say of themselves.</summary>
    public bool ReadsFacts => Attributes.Any(attribute => attribute.Source == AttributeSource.Facts);

    /// <summary>What holds before an operator writes a policy: nodes stay where they are, newcomers go where there is most room.</summary>
    public static PlacementPolicy Default { get; } = new()
    {
        Name = "default",
        Scores =
        [
            new ScoreRule("stay-put", 100, ScoreFunction.Sticky, null, null),
            new ScoreRule("headroom", 40, ScoreFunction.Headroom, null, null),
        ],
    };

    /// <summary>The groups that a node with these attributes belongs to.</summary>
    public IReadOnlyList<GroupMembership> GroupsOf(in Applicant node)
    {
        if (!GroupsByIdentity && node.Attributes.Groups is { } known)
        {
            return known;
        }

        List<GroupMembership>? found = null;
        for (var i = 0; i < Groups.Count; i++)
        {
            if (Groups[i].IdFor(node) is { } id)
            {
                (found ??= []).Add(new GroupMembership(i, id));
            }
        }

        IReadOnlyList<GroupMembership> groups = found is null ? [] : found;
        if (!GroupsByIdentity)
        {
            node.Attributes.Groups = groups;
        }

        return groups;
    }
}

/// <summary>A node as the rules see it.</summary>
internal readonly record struct Applicant(string Identity, AttributeBag Attributes);

internal readonly record struct GroupMembership(int Rule, string Id);

internal enum AttributeType
{
    String,
    Number,
    Boolean,
    List,
}

internal enum AttributeSource
{
    /// <summary>The verified claims of the provisioning token.</summary>
    Claims,

    /// <summary>The operator's record of the node.</summary>
    Enrolment,

    /// <summary>What the node says of itself.</summary>
    Facts,
}

internal sealed record AttributeRule(string Name, AttributeSource Source, string[] Path, AttributeType Type)
{
    /// <summary>Where else the value may be: Choria names the claim <c>extensions</c>, policies may call it <c>ext</c>.</summary>
    public IReadOnlyList<string>? Otherwise { get; } =
        Source == AttributeSource.Claims && Path is ["ext", .. var rest] ? ["extensions", .. rest] : null;

    // Trust follows the source and cannot be claimed: a node writes its own facts.
    public bool IsTrusted => Source != AttributeSource.Facts;
}

/// <param name="Default">The capacity that the fractions are of; null for the configured hard limit of each overlay.</param>
/// <param name="SoftFraction">Null for the configured soft limit.</param>
/// <param name="HardFraction">Null for the configured hard limit.</param>
/// <param name="ReserveDeclared">Whether the first node of a group reserves the size that the group declares.</param>
internal sealed record CapacityRule(int? Default, double? SoftFraction, double? HardFraction, bool ReserveDeclared);

internal sealed record PinRule(Predicate Match, string Overlay, string Reason, DocumentPlace At = default);

/// <summary>Where something stands in the policy's document. From 1; 0 in what was not read from one.</summary>
internal readonly record struct DocumentPlace(int Line, int Column);

internal sealed record FilterRule(string Name, Predicate? When, Predicate Require);

internal enum GroupMode
{
    Required,
    Preferred,
    Spread,
}

internal sealed record GroupRule
{
    public required string Name { get; init; }

    public GroupMode Mode { get; init; }

    /// <summary>Slots of the attributes whose values name the group; empty for a relation, which is one group.</summary>
    public IReadOnlyList<int> Key { get; init; } = [];

    public Predicate? When { get; init; }

    public double Weight { get; init; }

    public int MaxSkew { get; init; } = 1;

    /// <summary>The label whose values a spread counts by; null to count by overlay.</summary>
    public string? AcrossLabel { get; init; }

    public int DeclaredSize { get; init; }

    public DocumentPlace At { get; init; }

    public int? DeclaredSizeSlot { get; init; }

    public const int DeclaredSizeMax = 100_000;

    public int DeclaredBy(in Applicant node) =>
        DeclaredSizeSlot is { } slot && node.Attributes.Slots[slot] is double declared
            ? (int)Math.Clamp(declared, 0, DeclaredSizeMax)
            : DeclaredSize;

    public string? IdFor(in Applicant node)
    {
        if (When is not null && !When(node, null))
        {
            return null;
        }

        var id = Name;
        for (var i = 0; i < Key.Count; i++)
        {
            if (node.Attributes.Slots[Key[i]] is not { } value)
            {
                return null;
            }

            id += (i == 0 ? "/" : ":") + Escape(AttributeBag.Text(value));
        }

        return id;
    }

    // Without it the keys (a:b, c) and (a, b:c) would be one group.
    private static string Escape(string text) =>
        text.AsSpan().ContainsAny(":/\\")
            ? text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal)
                .Replace("/", "\\/", StringComparison.Ordinal)
            : text;
}

internal enum ScoreFunction
{
    /// <summary>The share of the overlay below its soft limit that is free.</summary>
    Headroom,

    /// <summary>The node is at home there.</summary>
    Sticky,

    /// <summary>The predicate of the rule holds.</summary>
    Prefer,
}

internal sealed record ScoreRule(string Name, double Weight, ScoreFunction Function, Predicate? When, Predicate? Prefer);

internal enum UnplaceableAction
{
    Defer,
    Quarantine,
    Refuse,
}

internal sealed record UnplaceableRule(
    UnplaceableAction Action, TimeSpan RetryAfter, TimeSpan AlertAfter, string? Overlay, DocumentPlace At = default);

/// <param name="MaxSkew">The load that an overlay may have, as a multiple of the mean, before a rebalance takes from it.</param>
/// <param name="MaxMovesPerMinute">How many nodes a running plan moves in a minute.</param>
/// <param name="Window">When plans may run; null for always.</param>
/// <param name="ApprovalRequired">Whether a plan waits for approval.</param>
/// <param name="MovesInFlightMax">How many nodes may be on their way at once.</param>
internal sealed record RebalanceRule(double MaxSkew, int MaxMovesPerMinute, MaintenanceWindow? Window, bool ApprovalRequired,
    int MovesInFlightMax);

/// <summary>Who is asked besides the rules.</summary>
internal sealed record DecisionRule(bool External, TimeSpan Deadline, bool BuiltInOnTimeout);

/// <summary>What an overlay does with newcomers while the region's leader cannot be reached.</summary>
internal enum LeaderLostRule
{
    Defer,
    MembersOfLocalGroups,
}
