namespace ControlPlane.Placement.Overlays;

/// <summary>The owner of an overlay's places: who lives there, what is reserved, its limit and its state.</summary>
/// <remarks>
/// Key: <see cref="OverlayKey"/>. It lives in the cluster that serves the overlay, and goes on when the region is away. What it answers
/// is stored.
/// </remarks>
[Alias("ControlPlane.IOverlayPlacementGrain")]
internal interface IOverlayPlacementGrain : IGrainWithStringKey
{
    /// <summary>Does what the region's leader asks, unless it has heard of a later leader. Safe to repeat.</summary>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    [Alias("Answer"), ResponseTimeout("00:00:30")]
    Task<OverlayReply> Answer(LeaderEpoch by, OverlayCall call);

    /// <summary>How many nodes live here.</summary>
    [Alias("CountNodes")]
    Task<int> CountNodes();

    /// <summary>Whether a place is reserved for a node whose enrolment runs.</summary>
    [Alias("Holds")]
    Task<bool> Holds(string identity);

    /// <summary>Makes a reservation permanent: the node arrived. Safe to repeat.</summary>
    /// <returns>How that ended.</returns>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    [Alias("Confirm")]
    Task<Confirmation> Confirm(string identity);

    /// <summary>Lets in a node that arrived after its reservation lapsed, as long as there is room. Safe to repeat.</summary>
    /// <returns>Why there is no place for it; null when it lives here.</returns>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    [Alias("LetIn")]
    Task<string?> LetIn(string identity);

    /// <summary>Gives a reservation back: the enrolment ended without arrival. Safe to repeat.</summary>
    [Alias("Release")]
    Task Release(string identity);

    /// <summary>Whether a node lives here by a decision of before another one, and is not on its way back.</summary>
    [Alias("LivedBefore")]
    Task<bool> LivedBefore(string identity, DecisionStamp decided);

    /// <summary>Frees the place of a node that lives elsewhere by a later decision; one that it is on its way back to stays.</summary>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    [Alias("Leave")]
    Task Leave(string identity, DecisionStamp decided);

    /// <summary>Frees the place of a node that lives here no more. Safe to repeat.</summary>
    /// <param name="identity">The node.</param>
    /// <param name="isGone">Whether it was decommissioned, which is remembered; otherwise that is forgotten too.</param>
    /// <exception cref="PlacementUnavailableException">The store did not take it; ask again.</exception>
    [Alias("Remove")]
    Task Remove(string identity, bool isGone);
}

/// <summary>An overlay's name is unique in its region.</summary>
internal static class OverlayKey
{
    public static IOverlayPlacementGrain GetOverlay(this IGrainFactory grains, string region, string overlay) =>
        grains.GetGrain<IOverlayPlacementGrain>($"{region}/{overlay}");

    public static (string Region, string Overlay) Read(string key) => (key[..key.IndexOf('/')], key[(key.IndexOf('/') + 1)..]);
}

/// <summary>What a node that arrived finds.</summary>
internal enum Confirmation
{
    /// <summary>It lives here.</summary>
    Lives = 0,

    /// <summary>Its reservation lapsed before it came.</summary>
    Late = 1,

    /// <summary>There never was one, or it was given back.</summary>
    NoPlace = 2,
}
