namespace ControlPlane.Placement;

/// <summary>What placement remembers of one node. Persisted; each change is journalled as the whole record.</summary>
/// <param name="Identity">The node's identity.</param>
/// <param name="Home">The overlay in which it arrived; null before the first arrival.</param>
/// <param name="HomeAttempt">The enrolment by which it arrived there.</param>
/// <param name="Held">The place held for an enrolment that runs.</param>
/// <param name="Attributes">The values that the policy names, as canonical JSON; shared between nodes that are alike.</param>
/// <param name="Declared">The size that its required groups were promised when it was placed; 0 when it declared none.</param>
/// <param name="Trace">Why it is where it is, as <see cref="DecisionTrace"/> encodes it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacedNode")]
internal sealed record PlacedNode(
    [property: Id(0)] string Identity,
    [property: Id(1)] string? Home,
    [property: Id(2)] int HomeAttempt,
    [property: Id(3)] Reservation? Held,
    [property: Id(4)] string Attributes,
    [property: Id(5)] int Declared,
    [property: Id(6)] byte[] Trace)
{
    public const string NoAttributes = "{}";

    /// <summary>When it was decided that <see cref="Home"/> is its place.</summary>
    [Id(7)]
    public DecisionStamp Decided { get; init; }

    /// <summary>The overlay whose silos enrolled it there, and number <see cref="HomeAttempt"/>; null when that is not known.</summary>
    [Id(8)]
    public string? Keeper { get; init; }

    public static PlacedNode New(string identity) => new(identity, null, 0, null, NoAttributes, 0, []);

    /// <summary>Whether an attempt of a keeper can be compared with the one by which it arrived.</summary>
    public bool IsNumberedBy(string keeper) => Keeper is null || Keeper == keeper;

    /// <summary>Whether an overlay must remember it: it is there, or is about to be, or that overlay's silos enrolled it.</summary>
    /// <remarks>Who enrolled it is unknown of nodes from before that was kept: those are remembered too.</remarks>
    public bool Concerns(string overlay) =>
        Home == overlay || Place == overlay || (Home is not null && IsNumberedBy(overlay)) || Held?.Keeper == overlay;

    /// <summary>Where it is, or is about to be: what its groups count.</summary>
    public string? Place => LiveHold?.Overlay ?? Home;

    public Reservation? LiveHold => Held is { Lapsed: false } live ? live : null;
}

/// <param name="Overlay">Where the place is held.</param>
/// <param name="Attempt">The enrolment that it is held for; <see cref="ForPlan"/> until the moved node enrols.</param>
/// <param name="Until">When it returns to the overlay.</param>
/// <param name="Lapsed">It returned: no longer counted, remembered so that a node that arrives late is known.</param>
/// <param name="Plan">The plan that moves the node; null otherwise.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacedNode.Reservation")]
internal sealed record Reservation(
    [property: Id(0)] string Overlay,
    [property: Id(1)] int Attempt,
    [property: Id(2)] DateTimeOffset Until,
    [property: Id(3)] bool Lapsed,
    [property: Id(4)] string? Plan)
{
    public const int ForPlan = -1;

    /// <summary>When it was decided that the node belongs there.</summary>
    [Id(5)]
    public DecisionStamp Decided { get; init; }

    /// <summary>The overlay whose silos enrol the node, and number <see cref="Attempt"/>; null when that is not known.</summary>
    [Id(6)]
    public string? Keeper { get; init; }

    /// <summary>Whether an attempt of a keeper can be compared with this one.</summary>
    public bool IsNumberedBy(string keeper) => Keeper is null || Keeper == keeper;
}
