namespace ControlPlane.Overlays;

using Orleans.Concurrency;

/// <summary>
/// Which overlay holds the region's placement, and what the others and it tell each other. The same grain as <see
/// cref="IOverlayPlacementGrain"/>: at the home it decides; elsewhere it keeps what its own overlay needs while the home is away.
/// </summary>
/// <remarks>Key: the region's name.</remarks>
[Alias("ControlPlane.IPlacementHomeGrain")]
public interface IPlacementHomeGrain : IGrainWithStringKey
{
    /// <summary>Which overlay is the home, as this overlay knows.</summary>
    [Alias("Home"), ReadOnly]
    Task<RegionHome> Home();

    /// <summary>Makes this silo's overlay the home, in a new epoch that fences the one before. Safe to repeat.</summary>
    /// <remarks>The other overlays are Isolated until each has reported its nodes: nobody is placed where counts are not known.</remarks>
    [Alias("Promote")]
    Task<RegionHome> Promote(string actor, string reason);

    /// <summary>Answers another overlay, or another overlay's claim to be the home. Safe to repeat.</summary>
    [Alias("Answer"), ResponseTimeout("00:00:30")]
    Task<LinkReply> Answer(LinkRequest request);

    /// <summary>How this overlay greets the home now: with what it remembers of its nodes, when it owes nothing.</summary>
    [Alias("NextHello")]
    Task<LinkRequest> NextHello();

    /// <summary>Takes over what a reply of the home says: who it is, its policy, and who lives here. Safe to repeat.</summary>
    [Alias("Heard")]
    Task Heard(LinkReply reply);

    /// <summary>What this overlay says to the home now: all that it knows of nodes, a page at a time, when it owes that.</summary>
    /// <param name="after">What the page before says comes next; empty for the first.</param>
    [Alias("NextReport")]
    Task<LinkRequest> NextReport(string after);

    /// <summary>The home has all that was reported in its epoch. Safe to repeat.</summary>
    [Alias("Reported")]
    Task Reported(long epoch);

    /// <summary>
    /// Remembers which place the home gave to a node that this overlay's silos enrol, in whatever overlay: for the time when the home is
    /// away, and for the next one. Before the node is told. Safe to repeat.
    /// </summary>
    /// <exception cref="PlacementNotHomeException">Who gave it is not the home any more.</exception>
    [Alias("NotePlace")]
    Task NotePlace(PlacementRequest request, LinkReply reply);

    /// <summary>Remembers where the home says that such a node arrived. Safe to repeat.</summary>
    /// <exception cref="PlacementNotHomeException">Who said it is not the home any more.</exception>
    [Alias("NoteArrived")]
    Task NoteArrived(string identity, int attempt, LinkReply reply);

    /// <summary>Remembers that the home let a node leave the fleet. Safe to repeat.</summary>
    /// <exception cref="PlacementNotHomeException">Who did so is not the home any more.</exception>
    [Alias("NoteGone")]
    Task NoteGone(string identity, LinkReply reply);

    /// <summary>Takes note that a node arrived in this overlay, which the home could not be told. Safe to repeat.</summary>
    /// <returns>False when nothing is known of that enrolment here.</returns>
    [Alias("ConfirmAlone")]
    Task<bool> ConfirmAlone(string identity, int attempt);

    /// <summary>Decides without the home, as the policy's <c>homeLost</c> says. Safe to repeat.</summary>
    [Alias("PlaceAlone")]
    Task<PlacementOutcome> PlaceAlone(PlacementRequest request, string why);
}

/// <param name="Home">The overlay that holds the region's placement.</param>
/// <param name="Epoch">Counts promotions; 0 for the configured one.</param>
/// <param name="IsHere">Whether it is this silo's overlay.</param>
/// <param name="Actor">Who promoted it; empty for the configured one.</param>
/// <param name="Reason">Why; empty for the configured one.</param>
/// <param name="At">When.</param>
/// <param name="OwesReport">Whether this overlay has nodes that the home may not know of.</param>
/// <param name="PolicyVersion">The policy that this overlay has.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.RegionHome")]
public sealed record RegionHome(
    [property: Id(0)] string Home,
    [property: Id(1)] long Epoch,
    [property: Id(2)] bool IsHere,
    [property: Id(3)] string Actor,
    [property: Id(4)] string Reason,
    [property: Id(5)] DateTimeOffset At,
    [property: Id(6)] bool OwesReport,
    [property: Id(7)] int PolicyVersion);
