using System.Text.Json.Serialization;
using ControlPlane.Placement.Plans;

namespace ControlPlane.Placement;

/// <summary>What a site asks the region's leader, or the leader a site that believes in another. Each may be asked again.</summary>
[JsonDerivedType(typeof(Greet), "greet")]
[JsonDerivedType(typeof(Place), "place")]
[JsonDerivedType(typeof(Readmit), "readmit")]
[JsonDerivedType(typeof(ListMoves), "listMoves")]
[JsonDerivedType(typeof(ReserveMoves), "reserveMoves")]
[JsonDerivedType(typeof(GiveBackMove), "giveBackMove")]
[GenerateSerializer, Immutable, Alias("ControlPlane.LeaderCall")]
internal abstract record LeaderCall
{
    /// <summary>Who leads, and what should whoever is promoted know?</summary>
    /// <param name="PolicyVersion">The policy that the one who asks has.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LeaderCall.Greet")]
    public sealed record Greet([property: Id(0)] int PolicyVersion) : LeaderCall;

    /// <summary>Where does this node belong?</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LeaderCall.Place")]
    public sealed record Place([property: Id(0)] PlacementRequest Request) : LeaderCall;

    /// <summary>May a node that arrived after its reservation lapsed stay in its overlay?</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LeaderCall.Readmit")]
    public sealed record Readmit([property: Id(0)] string Identity, [property: Id(1)] string Overlay) : LeaderCall;

    /// <summary>Which nodes does the plan of a job move out of an overlay?</summary>
    /// <param name="Job">The job.</param>
    /// <param name="From">The overlay.</param>
    /// <param name="After">How many of them are known already.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LeaderCall.ListMoves")]
    public sealed record ListMoves([property: Id(0)] string Job, [property: Id(1)] string From, [property: Id(2)] int After) : LeaderCall;

    /// <summary>Hold places for nodes of a job, which are told to enrol anew then.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LeaderCall.ReserveMoves")]
    public sealed record ReserveMoves([property: Id(0)] string Job, [property: Id(1)] IReadOnlyList<string> Identities) : LeaderCall;

    /// <summary>A node of a job does not come: its place is free.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.LeaderCall.GiveBackMove")]
    public sealed record GiveBackMove([property: Id(0)] string Job, [property: Id(1)] string Identity) : LeaderCall;
}

/// <summary>What the leader answers.</summary>
/// <param name="Leader">The leader, as the one who answers knows; when that is not who was asked, nothing was done.</param>
/// <param name="Placed">For <see cref="LeaderCall.Place"/>.</param>
/// <param name="Objection">For <see cref="LeaderCall.Readmit"/>: the rule that does not let it; null when none does.</param>
/// <param name="News">For <see cref="LeaderCall.Greet"/>.</param>
/// <param name="Moves">For <see cref="LeaderCall.ListMoves"/>; null when no plan of the leader has that job.</param>
/// <param name="Reserved">For <see cref="LeaderCall.ReserveMoves"/>.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LeaderAnswer")]
internal sealed record LeaderAnswer(
    [property: Id(0)] LeaderEpoch Leader,
    [property: Id(1)] PlacementOutcome? Placed = null,
    [property: Id(2)] string? Objection = null,
    [property: Id(3)] LeaderNews? News = null,
    [property: Id(4)] MovesPage? Moves = null,
    [property: Id(5)] MoveVerdicts? Reserved = null);

/// <summary>What all sites keep a copy of, for the time when the leader is away and for whoever is promoted then.</summary>
/// <param name="Policy">The policy in force, when the one who asks has an older one.</param>
/// <param name="Overlays">The region's overlays, in the order in which traces number them.</param>
/// <param name="Plans">The plans that are not over, so that whoever is promoted can say that there were some.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.LeaderNews")]
internal sealed record LeaderNews(
    [property: Id(0)] PolicyVersion? Policy,
    [property: Id(1)] IReadOnlyList<OverlaySnapshot> Overlays,
    [property: Id(2)] IReadOnlyList<PlanProgress> Plans);
