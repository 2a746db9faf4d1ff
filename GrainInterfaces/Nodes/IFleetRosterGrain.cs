namespace ControlPlane.Nodes;

using ControlPlane.Access;
using ControlPlane.Enrolment;

/// <summary>One slice of the overlay's nodes: who is in it, how each one stands, and when each is due for its next step.</summary>
/// <remarks>
/// Key: the slice's number. It stands in for a timer in every node grain: one tick here calls the nodes that are due, oldest
/// first and a bounded number at once. What is due is durable before the call that recorded it returns.
/// </remarks>
[Alias("ControlPlane.IFleetRosterGrain")]
public interface IFleetRosterGrain : IGrainWithIntegerKey
{
    /// <summary>
    /// The slice's nodes in order of identity, after <paramref name="afterIdentity"/>, at most <paramref name="limit"/> (1 to 1000).
    /// </summary>
    [Alias("List"), Orleans.Concurrency.AlwaysInterleave, Requires(Permissions.NodesRead)]
    Task<IReadOnlyList<RosterEntry>> List(NodeStage? stage, string? afterIdentity, int limit);

    /// <summary>How many nodes are in each stage.</summary>
    [Alias("Count"), Orleans.Concurrency.AlwaysInterleave, Requires(Permissions.NodesRead)]
    Task<IReadOnlyDictionary<NodeStage, int>> Count();
}

/// <summary>How one node stands, in the few words that lists and schedules need.</summary>
/// <param name="Identity">The node's identity.</param>
/// <param name="Stage">How far it is.</param>
/// <param name="Overlay">The overlay it was placed in; null before placement.</param>
/// <param name="Reason">Why it waits or was refused; null when it goes on by itself.</param>
/// <param name="Since">When it was first heard of in this enrolment: the age by which the waiting are ordered.</param>
/// <param name="DueAt">When the node comes to its next step; null when nothing is due.</param>
/// <param name="Liveness">Whether it is heard on its overlay.</param>
/// <param name="AgentVersion">Choria's version on the node, when it was reported.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.RosterEntry")]
public sealed record RosterEntry(
    [property: Id(0)] string Identity,
    [property: Id(1)] NodeStage Stage,
    [property: Id(2)] string? Overlay,
    [property: Id(3)] string? Reason,
    [property: Id(4)] DateTimeOffset Since,
    [property: Id(5)] DateTimeOffset? DueAt,
    [property: Id(6)] NodeLiveness Liveness = NodeLiveness.Unknown,
    [property: Id(7)] string? AgentVersion = null)
{
    /// <summary>What makes the node due before <see cref="DueAt"/>; null when nothing does.</summary>
    [Id(20)]
    public ControlMark? WaitsFor { get; init; }

    /// <summary>The site on whose provisioning network it is enrolled; null when that is this one's.</summary>
    [Id(21)]
    public string? Reception { get; init; }
}
