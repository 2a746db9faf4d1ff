namespace ControlPlane.Placement;

/// <summary>What enrolments, silos and other sites ask of a region's placement.</summary>
/// <remarks>
/// Each site has this grain. At the leader it decides; elsewhere it asks the leader, keeps a copy of what the leader said, and decides for
/// its own overlays while the leader is away.
/// </remarks>
[Alias("ControlPlane.IInternalPlacementGrain")]
internal interface IInternalPlacementGrain : IRegionPlacementGrain, IPlacementPlanGrain, IRegionLeaderGrain
{
    /// <summary>Chooses an overlay for a node and has it reserve a place.</summary>
    /// <remarks>Safe to repeat: a node that asks again keeps what is held for it, as long as the rules let it.</remarks>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    [Alias("Place"), ResponseTimeout("00:01:00")]
    Task<PlacementOutcome> Place(PlacementRequest request);

    /// <summary>Whether a node may stay that arrived after its reservation lapsed. Safe to repeat.</summary>
    /// <returns>The rule that does not let it; null when none does, or nobody can be asked.</returns>
    [Alias("Readmit"), ResponseTimeout("00:01:00")]
    Task<string?> Readmit(string identity, string overlay);

    /// <summary>Answers another site, which takes this one for the leader. Safe to repeat.</summary>
    [Alias("Answer"), ResponseTimeout("00:01:00")]
    Task<LeaderAnswer> Answer(LeaderEpoch leader, LeaderCall call);

    /// <summary>Asks the region's leader, here or at another site. Safe to repeat.</summary>
    /// <exception cref="Sites.SiteUnreachableException">It did not answer.</exception>
    [Alias("AskLeader"), ResponseTimeout("00:01:00")]
    Task<LeaderAnswer> AskLeader(LeaderCall call);

    /// <summary>Somebody names a leader: it holds when it is of a later epoch. Safe to repeat.</summary>
    [Alias("Hear")]
    Task Hear(LeaderEpoch leader);

    /// <summary>Lets the region be followed, and a plan go on, after their silo ended; called by each silo now and then.</summary>
    [Alias("Wake")]
    Task Wake();
}
