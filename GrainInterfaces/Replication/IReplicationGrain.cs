namespace ControlPlane.Replication;

using ControlPlane.Access;
using Orleans.Concurrency;

/// <summary>One link of this site: a JetStream stream that is copied to another one, in order and once.</summary>
/// <remarks>
/// Key: the link's name in the section <c>Replication</c>. It runs on one silo, and goes on elsewhere when that ends; how far it is, the
/// target says.
/// </remarks>
[Alias("ControlPlane.IReplicationGrain")]
public interface IReplicationGrain : IGrainWithStringKey
{
    /// <summary>The most copies that one call compares.</summary>
    const int VerifiedMax = 100_000;

    /// <summary>How it stands; null when no such link is configured.</summary>
    [Alias("Get"), AlwaysInterleave, Requires(Permissions.ReplicationRead)]
    Task<ReplicationSnapshot?> Get();

    /// <summary>Copies nothing until it is resumed, whatever silo ends. Safe to repeat.</summary>
    /// <param name="reason">Why.</param>
    /// <returns>How it stands; null when no such link is configured.</returns>
    [Alias("Pause"), Requires(Permissions.ReplicationWrite)]
    Task<ReplicationSnapshot?> Pause(string reason);

    /// <summary>Goes on where it was paused. Safe to repeat.</summary>
    /// <param name="reason">Why.</param>
    /// <returns>How it stands; null when no such link is configured.</returns>
    [Alias("Resume"), Requires(Permissions.ReplicationWrite)]
    Task<ReplicationSnapshot?> Resume(string reason);

    /// <summary>Compares the last copies with what the source holds, by digests of ranges. Changes nothing.</summary>
    /// <param name="copiesMax">How many copies at most: 1 to <see cref="VerifiedMax"/>.</param>
    /// <returns>What came of it; null when no such link is configured.</returns>
    /// <remarks>It fails as what reads logs does when one of the two sides is away; try again.</remarks>
    [Alias("Verify"), AlwaysInterleave, ResponseTimeout("00:05:00"), Requires(Permissions.ReplicationRead)]
    Task<ReplicationVerification?> Verify(int copiesMax);
}

/// <summary>The links of a site. Key: anything; it holds nothing of its own.</summary>
[Alias("ControlPlane.IReplicationListGrain")]
public interface IReplicationListGrain : IGrainWithStringKey
{
    /// <summary>How all of them stand, by name.</summary>
    [Alias("List"), Requires(Permissions.ReplicationRead)]
    Task<IReadOnlyList<ReplicationSnapshot>> List();
}

/// <summary>Finds what replicates.</summary>
public static class ReplicationGrains
{
    /// <summary>A link.</summary>
    public static IReplicationGrain GetReplication(this IGrainFactory grains, string link) => grains.GetGrain<IReplicationGrain>(link);

    /// <summary>The links.</summary>
    public static IReplicationListGrain GetReplicationList(this IGrainFactory grains) => grains.GetGrain<IReplicationListGrain>("all");
}
