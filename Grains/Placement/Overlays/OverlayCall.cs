using System.Text.Json.Serialization;

namespace ControlPlane.Placement.Overlays;

/// <summary>What the region asks of an overlay, in the same words here and over the link. Each may be asked again.</summary>
[JsonDerivedType(typeof(Reserve), "reserve")]
[JsonDerivedType(typeof(GiveBack), "giveBack")]
[JsonDerivedType(typeof(List), "list")]
[JsonDerivedType(typeof(SetState), "setState")]
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayCall")]
internal abstract record OverlayCall
{
    /// <summary>How many nodes one call is about at most.</summary>
    public const int NodesMax = 500;

    /// <summary>How many characters the attributes of its nodes have together: a message over the link has at most a megabyte.</summary>
    public const int TextMax = 400_000;

    /// <summary>Places for nodes, each as its <see cref="PlacedNode.Held"/> says. The overlay sets until when it holds them.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.OverlayCall.Reserve")]
    public sealed record Reserve([property: Id(0)] IReadOnlyList<PlacedNode> Nodes) : OverlayCall;

    /// <summary>Reservations that nobody has taken are needed no more: a plan ended, or its node does not come.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.OverlayCall.GiveBack")]
    public sealed record GiveBack([property: Id(0)] IReadOnlyList<string> Identities) : OverlayCall;

    /// <summary>Who lives there and what is reserved: what changed after a cursor, or all.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.OverlayCall.List")]
    public sealed record List([property: Id(0)] PlacesCursor After) : OverlayCall;

    /// <summary>An operator puts it in another state.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.OverlayCall.SetState")]
    public sealed record SetState([property: Id(0)] OverlayState State, [property: Id(1)] string Reason) : OverlayCall;
}

/// <summary>What an overlay answers.</summary>
/// <param name="Header">How it stands now.</param>
/// <param name="Leader">The latest leader that it knows; when that is not who asked, nothing was done.</param>
/// <param name="Reserved">For <see cref="OverlayCall.Reserve"/>: one verdict for each node, in that order.</param>
/// <param name="Listed">For <see cref="OverlayCall.List"/>.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayReply")]
internal sealed record OverlayReply(
    [property: Id(0)] OverlayHeader Header,
    [property: Id(1)] LeaderEpoch Leader,
    [property: Id(2)] IReadOnlyList<ReservationVerdict>? Reserved = null,
    [property: Id(3)] PlacesPage? Listed = null);

/// <param name="State">What may happen in it.</param>
/// <param name="Reason">Why.</param>
/// <param name="Nodes">Nodes that arrived.</param>
/// <param name="Reserved">Places held by enrolments that run.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayHeader")]
internal sealed record OverlayHeader(
    [property: Id(0)] OverlayState State, [property: Id(1)] string Reason, [property: Id(2)] int Nodes, [property: Id(3)] int Reserved);

/// <param name="Node">The node as the overlay keeps it now; null when it has none of that name.</param>
/// <param name="Refusal">Why there is no place; null when there is.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ReservationVerdict")]
internal sealed record ReservationVerdict([property: Id(0)] PlacedNode? Node, [property: Id(1)] string? Refusal);

/// <summary>How far somebody has followed an overlay's places.</summary>
/// <param name="Incarnation">Of the activation whose versions these are: another one counts anew.</param>
/// <param name="Version">The last change that was seen; 0 for none.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacesCursor")]
internal sealed record PlacesCursor([property: Id(0)] string Incarnation, [property: Id(1)] long Version)
{
    public static PlacesCursor Start { get; } = new("", 0);
}

/// <param name="Nodes">Who is there.</param>
/// <param name="Left">Who is there no more.</param>
/// <param name="Next">What the next question comes after.</param>
/// <param name="IsFirst">Whether a full list begins here: what was known before and is not on it, is no more.</param>
/// <param name="IsLast">Whether there is no more now.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacesPage")]
internal sealed record PlacesPage(
    [property: Id(0)] IReadOnlyList<PlacedNode> Nodes,
    [property: Id(1)] IReadOnlyList<string> Left,
    [property: Id(2)] PlacesCursor Next,
    [property: Id(3)] bool IsFirst,
    [property: Id(4)] bool IsLast);
