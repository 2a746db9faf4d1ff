namespace ControlPlane.Placement;

/// <summary>One change of what an overlay owns, or of what its region does.</summary>
/// <remarks>
/// Each says what is true from now on, never a difference, so replaying one twice does no harm: that lets shards be written one after the
/// other while decisions go on.
/// </remarks>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacementChange")]
internal abstract record PlacementChange
{
    /// <summary>
    /// A new activation took over. Takes the journal position that a displaced activation would write next, and so fences it.
    /// </summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementChange.Opened")]
    public sealed record Opened([property: Id(0)] DateTimeOffset At) : PlacementChange;

    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementChange.NodeChanged")]
    public sealed record NodeChanged([property: Id(0)] PlacedNode Node) : PlacementChange;

    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementChange.NodeForgotten")]
    public sealed record NodeForgotten([property: Id(0)] string Identity) : PlacementChange;

    /// <summary>The overlay is in another state; also the first mention of a new overlay, which gives it its number for good.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementChange.OverlaySet")]
    public sealed record OverlaySet(
        [property: Id(0)] string Overlay, [property: Id(1)] OverlayState State, [property: Id(2)] string Reason) : PlacementChange;

    /// <summary>A group lives in <paramref name="Overlay"/> whatever its members' places say; null ends that.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementChange.GroupHomed")]
    public sealed record GroupHomed([property: Id(0)] string Group, [property: Id(1)] string? Overlay) : PlacementChange;

    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementChange.PolicyApplied")]
    public sealed record PolicyApplied([property: Id(0)] PolicyVersion Policy) : PlacementChange;

    /// <summary>Another overlay leads the region from now on.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementChange.LeaderSet")]
    public sealed record LeaderSet(
        [property: Id(0)] LeaderEpoch Leader,
        [property: Id(1)] string Actor,
        [property: Id(2)] string Reason,
        [property: Id(3)] DateTimeOffset At) : PlacementChange;

    [GenerateSerializer, Immutable, Alias("ControlPlane.PlacementChange.PlanChanged")]
    public sealed record PlanChanged([property: Id(0)] PlanProgress Plan) : PlacementChange;
}
