namespace ControlPlane.Placement;

/// <summary>What enrolments, silos and the other overlays tell and ask a region's placement.</summary>
[Alias("ControlPlane.IInternalPlacementGrain")]
internal interface IInternalPlacementGrain : IRegionPlacementGrain, IPlacementPlanGrain, IRegionLeaderGrain
{
    /// <summary>Chooses an overlay for a node and reserves a place in it.</summary>
    /// <remarks>Safe to repeat: the same identity and attempt get the same answer, and hold one place.</remarks>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    [Alias("Place"), ResponseTimeout("00:01:00")]
    Task<PlacementOutcome> Place(PlacementRequest request);

    /// <summary>Makes a reservation permanent: the node arrived. Releases the place that it held before. Safe to repeat.</summary>
    /// <exception cref="PlacementLapsedException">The reservation lapsed and the overlay is full, or it was given back.</exception>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    [Alias("Confirm")]
    Task Confirm(string identity, int attempt);

    /// <summary>Gives a reservation back: the enrolment ended without arrival. Safe to repeat.</summary>
    [Alias("Release")]
    Task Release(string identity, int attempt);

    /// <summary>Forgets a node that left the fleet, and frees its place. Safe to repeat.</summary>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    [Alias("Forget")]
    Task Forget(string identity);

    /// <summary>Lets a running plan go on after its silo ended; called by each silo now and then. Safe to repeat.</summary>
    [Alias("Wake")]
    Task Wake();

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
