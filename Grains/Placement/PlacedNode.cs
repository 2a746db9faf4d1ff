using System.Text.Json.Serialization;

namespace ControlPlane.Placement;

/// <summary>
/// One node's place. The overlay that owns it keeps it as its own; the region's copy joins what two overlays say of a node that moves.
/// </summary>
/// <param name="Identity">The node's identity.</param>
/// <param name="Home">The overlay in which it arrived; null before the first arrival.</param>
/// <param name="Held">The place held for an enrolment that runs.</param>
/// <param name="Attributes">The values that the policy names, as canonical JSON; shared between nodes that are alike.</param>
/// <param name="Declared">The size that its required groups were promised when it was placed; 0 when it declared none.</param>
/// <param name="Trace">Why it is where it is, as <see cref="DecisionTrace"/> encodes it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacedNode")]
internal sealed record PlacedNode(
    [property: Id(0)] string Identity,
    [property: Id(1)] string? Home,
    [property: Id(2)] Reservation? Held,
    [property: Id(3)] string Attributes,
    [property: Id(4)] int Declared,
    [property: Id(5)] byte[] Trace)
{
    public const string NoAttributes = "{}";

    /// <summary>
    /// When it was decided that <see cref="Home"/> is its place: of two overlays that claim it, the later decision holds.
    /// </summary>
    [Id(6)]
    public DecisionStamp Decided { get; init; }

    /// <summary>
    /// Whether it was decommissioned: nobody enrols it anew, in whatever overlay, until its owner lets it.
    /// </summary>
    [Id(7)]
    public bool IsGone { get; init; }

    public static PlacedNode New(string identity) => new(identity, null, null, NoAttributes, 0, []);

    /// <summary>Where it is, or is about to be: what its groups count.</summary>
    [JsonIgnore]
    public string? Place => LiveHold?.Overlay ?? Home;

    [JsonIgnore]
    public Reservation? LiveHold => Held is { Lapsed: false } live ? live : null;
}

/// <param name="Overlay">Where the place is held.</param>
/// <param name="Until">When it returns to the overlay; the overlay says so when it reserves.</param>
/// <param name="Lapsed">It returned: no longer counted, remembered so that a node that arrives late is known.</param>
/// <param name="Plan">The plan that moves the node, named by its job: ids of plans are of one leader. Null when none does.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacedNode.Reservation")]
internal sealed record Reservation(
    [property: Id(0)] string Overlay,
    [property: Id(1)] DateTimeOffset Until,
    [property: Id(2)] bool Lapsed,
    [property: Id(3)] string? Plan)
{
    /// <summary>When it was decided that the node belongs there.</summary>
    [Id(4)]
    public DecisionStamp Decided { get; init; }

    /// <summary>Whether the node has come to enrol; a plan reserves before it does.</summary>
    [Id(5)]
    public bool IsTaken { get; init; }
}

/// <summary>When it was decided where a node is.</summary>
/// <remarks>
/// A later epoch is later, because the leader before it was fenced; within an epoch the clock of the leader counts, never back and never
/// twice the same. An overlay that decides alone stamps by its own clock, above all that it knows.
/// </remarks>
/// <param name="Epoch">Of the leader that decided.</param>
/// <param name="Ticks">Its time in UTC.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.DecisionStamp")]
[method: JsonConstructor]
internal readonly record struct DecisionStamp([property: Id(0)] long Epoch, [property: Id(1)] long Ticks)
{
    public bool IsAfter(DecisionStamp other) => Epoch > other.Epoch || (Epoch == other.Epoch && Ticks > other.Ticks);
}

/// <summary>Which overlay leads the region, and in which epoch.</summary>
/// <param name="Name">The overlay.</param>
/// <param name="Epoch">Counts promotions; 0 for the one that is configured.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LeaderEpoch")]
[method: JsonConstructor]
internal readonly record struct LeaderEpoch([property: Id(0)] string Name, [property: Id(1)] long Epoch)
{
    /// <summary>Of two claims the later epoch holds; of two in one epoch the name decides, so that all agree.</summary>
    public bool IsOlderThan(LeaderEpoch other) => Epoch < other.Epoch
        || (Epoch == other.Epoch && Epoch > 0 && string.CompareOrdinal(Name, other.Name) < 0);
}
