namespace ControlPlane.Placement;

using ControlPlane.Access;
using Orleans.Concurrency;

/// <summary>Decides which overlay of a region each node belongs to. What lives in an overlay, that overlay owns.</summary>
/// <remarks>Key: the region's name.</remarks>
[Alias("ControlPlane.IRegionPlacementGrain")]
public interface IRegionPlacementGrain : IGrainWithStringKey
{
    /// <summary>Why a node is where it is; null when the region does not know it.</summary>
    [Alias("Explain"), ReadOnly, Requires(Permissions.PlacementRead)]
    Task<PlacementExplanation?> Explain(string identity);

    /// <summary>The region's overlays with their states and counts.</summary>
    [Alias("ListOverlays"), ReadOnly, Requires(Permissions.PlacementRead)]
    Task<IReadOnlyList<OverlaySnapshot>> ListOverlays();

    /// <summary>Puts an overlay in another state. Safe to repeat.</summary>
    /// <returns>False when the region has no overlay of that name.</returns>
    /// <exception cref="OverlayRetiredException">It is retired.</exception>
    /// <exception cref="OverlayUnreachableException">It does not answer; only that it is retired can be said of it now.</exception>
    [Alias("SetState"), Requires(Permissions.PlacementOverlaysSetState)]
    Task<bool> SetState(string overlay, OverlayState state, string reason);
}

/// <summary>What may happen in an overlay.</summary>
public enum OverlayState
{
    /// <summary>Takes new nodes.</summary>
    Active = 0,

    /// <summary>Keeps its nodes and takes no new ones.</summary>
    Cordoned = 1,

    /// <summary>Its nodes are moved elsewhere, at the plan's rate.</summary>
    Draining = 2,

    /// <summary>Empty for good.</summary>
    Retired = 3,

    /// <summary>Cannot be reached: keeps its members, no move in or out.</summary>
    Isolated = 4,
}

/// <param name="Identity">The verified identity.</param>
/// <param name="ClaimsJson">The verified claims of the provisioning token, as a JSON object: trusted.</param>
/// <param name="FactsJson">The node's own facts, as a JSON object: not trusted.</param>
/// <param name="EnrolmentJson">The operator's record of the node, as a JSON object: trusted. Empty by default.</param>
/// <param name="WaitingSince">Since when it waits for a place; null for since now.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PlacementRequest")]
public sealed record PlacementRequest(
    [property: Id(0)] string Identity,
    [property: Id(1)] string ClaimsJson,
    [property: Id(2)] string FactsJson,
    [property: Id(3)] string EnrolmentJson = "{}",
    [property: Id(4)] DateTimeOffset? WaitingSince = null);

/// <param name="Name">The overlay's name.</param>
/// <param name="State">What may happen in it.</param>
/// <param name="Nodes">Nodes that arrived.</param>
/// <param name="Reserved">Places held by enrolments that run.</param>
/// <param name="SoftLimit">Above this many nodes and reservations only members of its own groups are taken.</param>
/// <param name="HardLimit">Never more than this many nodes and reservations.</param>
/// <param name="Promised">Places kept for members that groups declared and that have not come yet.</param>
/// <param name="StateReason">Why it is in that state, as the operator said; empty when nobody said.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlaySnapshot")]
public sealed record OverlaySnapshot(
    [property: Id(0)] string Name,
    [property: Id(1)] OverlayState State,
    [property: Id(2)] int Nodes,
    [property: Id(3)] int Reserved,
    [property: Id(4)] int SoftLimit,
    [property: Id(5)] int HardLimit,
    [property: Id(6)] int Promised = 0,
    [property: Id(7)] string StateReason = "");
