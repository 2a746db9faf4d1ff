namespace ControlPlane.Placement;

using ControlPlane.Access;
using Orleans.Concurrency;

/// <summary>
/// Which overlay leads the region. The same grain as <see cref="IRegionPlacementGrain"/>: at the leader it decides; elsewhere it asks the
/// leader, and decides for its own overlay while the leader is away.
/// </summary>
/// <remarks>Key: the region's name.</remarks>
[Alias("ControlPlane.IRegionLeaderGrain")]
public interface IRegionLeaderGrain : IGrainWithStringKey
{
    /// <summary>Which overlay is the leader, as this overlay knows.</summary>
    [Alias("Get"), ReadOnly, Requires(Permissions.PlacementRead)]
    Task<RegionLeader> Get();

    /// <summary>Makes this silo's overlay the leader, in a new epoch that fences the one before. Safe to repeat.</summary>
    /// <remarks>An overlay that does not answer is Isolated until it has listed its nodes; groups that may live there wait.</remarks>
    [Alias("Promote"), Requires(Permissions.PlacementLeaderPromote)]
    Task<RegionLeader> Promote(string reason);
}

/// <param name="Leader">The overlay that holds the region's placement.</param>
/// <param name="Epoch">Counts promotions; 0 for the configured one.</param>
/// <param name="IsHere">Whether it is this silo's overlay.</param>
/// <param name="Actor">Who promoted it; empty for the configured one.</param>
/// <param name="Reason">Why; empty for the configured one.</param>
/// <param name="At">When.</param>
/// <param name="PolicyVersion">The policy that this overlay has.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.RegionLeader")]
public sealed record RegionLeader(
    [property: Id(0)] string Leader,
    [property: Id(1)] long Epoch,
    [property: Id(2)] bool IsHere,
    [property: Id(3)] string Actor,
    [property: Id(4)] string Reason,
    [property: Id(5)] DateTimeOffset At,
    [property: Id(6)] int PolicyVersion);
