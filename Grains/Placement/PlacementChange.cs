namespace ControlPlane.Placement;

/// <summary>One change of a region's ledger.</summary>
/// <remarks>
/// Each entry says what is true from now on, never a difference, so replaying one twice does no harm: that lets shards be written
/// one after the other while decisions go on.
/// </remarks>
[GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry")]
internal abstract record PlacementChange
{
    /// <summary>
    /// A new activation took over. Takes the journal position that a displaced activation would write next, and so fences it.
    /// </summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry.Opened")]
    public sealed record Opened([property: Id(0)] DateTimeOffset At) : PlacementChange;

    [GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry.NodeChanged")]
    public sealed record NodeChanged([property: Id(0)] PlacedNode Node) : PlacementChange;

    [GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry.NodeForgotten")]
    public sealed record NodeForgotten([property: Id(0)] string Identity) : PlacementChange
    {
        /// <summary>When it left the fleet, which is remembered; not set when only a place was given back.</summary>
        [Id(1)]
        public DecisionStamp Decided { get; init; }
    }

    /// <summary>The overlay is in another state; also the first mention of a new overlay, which gives it its number for good.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry.OverlaySet")]
    public sealed record OverlaySet(
        [property: Id(0)] string Overlay,
        [property: Id(1)] OverlayState State,
        [property: Id(2)] string Reason,
        [property: Id(3)] DateTimeOffset At) : PlacementChange
    {
        /// <summary>What it returns to when it has reported its nodes to a new leader; null when it need not report.</summary>
        [Id(4)]
        public OverlayCondition? Awaited { get; init; }
    }

    /// <summary>
    /// So many places of an overlay are taken by what the leader before knew and this one is still to be told. Until all have reported.
    /// </summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry.PlacesUntold")]
    public sealed record PlacesUntold([property: Id(0)] string Overlay, [property: Id(1)] int Places) : PlacementChange;

    /// <summary>A node asked for a place at an instant for the first time, and got none.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry.NodeUnplaced")]
    public sealed record NodeUnplaced(
        [property: Id(0)] string Identity,
        [property: Id(1)] DateTimeOffset Since,
        [property: Id(2)] string Reason) : PlacementChange;

    /// <summary>A group lives in <paramref name="Overlay"/> whatever its members' places say; null ends that.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry.GroupHomed")]
    public sealed record GroupHomed([property: Id(0)] string Group, [property: Id(1)] string? Overlay) : PlacementChange;

    [GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry.PolicyApplied")]
    public sealed record PolicyApplied([property: Id(0)] PolicyVersion Policy) : PlacementChange;

    /// <summary>Another overlay holds the region's placement from now on, or what this one owes it changed.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry.HomeSet")]
    public sealed record LeaderSet(
        [property: Id(0)] string Leader,
        [property: Id(1)] long Epoch,
        [property: Id(2)] string Actor,
        [property: Id(3)] string Reason,
        [property: Id(4)] DateTimeOffset At,
        [property: Id(5)] bool OwesReport) : PlacementChange
    {
        /// <summary>
        /// Set when another overlay is the leader and has all that was known here: what does not concern this overlay is forgotten, for
        /// nobody tells it of that any more.
        /// </summary>
        [Id(6)]
        public string? KeptOverlay { get; init; }

        /// <summary>When the history of the leader began that has this overlay's report; null before its first answer.</summary>
        [Id(7)]
        public DateTimeOffset? Born { get; init; }

        /// <summary>Of two claims the later epoch holds; of two in one epoch the name decides, so that all agree.</summary>
        public bool IsOlderThan(string leader, long epoch) =>
            Epoch < epoch || (Epoch == epoch && Epoch > 0 && string.CompareOrdinal(Leader, leader) < 0);
    }

    [GenerateSerializer, Immutable, Alias("ControlPlane.LedgerEntry.PlanChanged")]
    public sealed record PlanChanged([property: Id(0)] PlanProgress Plan) : PlacementChange;
}
