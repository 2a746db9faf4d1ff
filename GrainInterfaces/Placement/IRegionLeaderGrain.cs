namespace ControlPlane.Placement;

using Orleans.Concurrency;

/// <summary>
/// Which overlay holds the region's placement, and what the others and it tell each other. The same grain as <see
/// cref="IRegionPlacementGrain"/>: at the leader it decides; elsewhere it keeps what its own overlay needs while the leader is away.
/// </summary>
/// <remarks>Key: the region's name.</remarks>
[Alias("ControlPlane.IRegionLeaderGrain")]
public interface IRegionLeaderGrain : IGrainWithStringKey
{
    /// <summary>Which overlay is the leader, as this overlay knows.</summary>
    [Alias("Get"), ReadOnly]
    Task<RegionLeader> Get();

    /// <summary>Makes this silo's overlay the leader, in a new epoch that fences the one before. Safe to repeat.</summary>
    /// <remarks>The other overlays are Isolated until each has reported its nodes: nobody is placed where counts are not known.</remarks>
    [Alias("Promote")]
    Task<RegionLeader> Promote(string actor, string reason);

    /// <summary>Answers another overlay, or another overlay's claim to be the leader. Safe to repeat.</summary>
    [Alias("Answer"), ResponseTimeout("00:00:30")]
    Task<LinkReply> Answer(LinkRequest request);

    /// <summary>How this overlay greets the leader now: with what it remembers of its nodes, when it owes nothing.</summary>
    [Alias("NextHello")]
    Task<LinkRequest> NextHello();

    /// <summary>Takes over what a reply of the leader says: who it is, its policy, and who lives here. Safe to repeat.</summary>
    [Alias("Heard")]
    Task Heard(LinkReply reply);

    /// <summary>What this overlay says to the leader now: all that it knows of nodes, a page at a time, when it owes that.</summary>
    /// <param name="after">What the page before says comes next; empty for the first.</param>
    [Alias("NextReport")]
    Task<LinkRequest> NextReport(string after);

    /// <summary>The leader has all that was reported in its epoch. Safe to repeat.</summary>
    [Alias("Reported")]
    Task Reported(long epoch);

    /// <summary>
    /// Remembers which place the leader gave to a node that this overlay's silos enrol, in whatever overlay: for the time when the leader
    /// is away, and for the next one. Before the node is told. Safe to repeat.
    /// </summary>
    /// <exception cref="NotRegionLeaderException">Who gave it is not the leader any more.</exception>
    [Alias("NotePlace")]
    Task NotePlace(PlacementRequest request, LinkReply reply);

    /// <summary>Remembers where the leader says that such a node arrived. Safe to repeat.</summary>
    /// <exception cref="NotRegionLeaderException">Who said it is not the leader any more.</exception>
    [Alias("NoteArrived")]
    Task NoteArrived(string identity, int attempt, LinkReply reply);

    /// <summary>Remembers that the leader let a node leave the fleet. Safe to repeat.</summary>
    /// <exception cref="NotRegionLeaderException">Who did so is not the leader any more.</exception>
    [Alias("NoteGone")]
    Task NoteGone(string identity, LinkReply reply);

    /// <summary>Takes note that a node arrived in this overlay, which the leader could not be told. Safe to repeat.</summary>
    /// <returns>False when nothing is known of that enrolment here.</returns>
    [Alias("ConfirmAlone")]
    Task<bool> ConfirmAlone(string identity, int attempt);

    /// <summary>Decides without the leader, as the policy's <c>leaderLost</c> says. Safe to repeat.</summary>
    [Alias("PlaceAlone")]
    Task<PlacementOutcome> PlaceAlone(PlacementRequest request, string why);
}

/// <param name="Leader">The overlay that holds the region's placement.</param>
/// <param name="Epoch">Counts promotions; 0 for the configured one.</param>
/// <param name="IsHere">Whether it is this silo's overlay.</param>
/// <param name="Actor">Who promoted it; empty for the configured one.</param>
/// <param name="Reason">Why; empty for the configured one.</param>
/// <param name="At">When.</param>
/// <param name="OwesReport">Whether this overlay has nodes that the leader may not know of.</param>
/// <param name="PolicyVersion">The policy that this overlay has.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.RegionLeader")]
public sealed record RegionLeader(
    [property: Id(0)] string Leader,
    [property: Id(1)] long Epoch,
    [property: Id(2)] bool IsHere,
    [property: Id(3)] string Actor,
    [property: Id(4)] string Reason,
    [property: Id(5)] DateTimeOffset At,
    [property: Id(6)] bool OwesReport,
    [property: Id(7)] int PolicyVersion);
