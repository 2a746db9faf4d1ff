namespace ControlPlane.Nodes;

using ControlPlane.Access;
using ControlPlane.Enrolment;

/// <summary>
/// One slice of a site's nodes: who is in it, how each one stands, when it is due, how alive it is, and what it says of itself.
/// </summary>
/// <remarks>
/// Key: the slice's number in decimal (<see cref="FleetSlices"/>). Who there is and when each is due is stored; what is searched by
/// facts, classes and agents is in memory, and read again from the overlay's brokers when the slice moves.
/// </remarks>
[Alias("ControlPlane.IFleetSliceGrain")]
public interface IFleetSliceGrain : IGrainWithStringKey
{
    /// <summary>
    /// The slice's nodes in order of identity, after <paramref name="afterIdentity"/>, at most <paramref name="limit"/> (1 to 1000).
    /// </summary>
    [Alias("List"), Requires(Permissions.NodesRead)]
    Task<IReadOnlyList<RosterEntry>> List(NodeStage? stage, string? afterIdentity, int limit);

    /// <summary>How many nodes are in each stage.</summary>
    [Alias("CountStages"), Requires(Permissions.NodesRead)]
    Task<IReadOnlyDictionary<NodeStage, int>> CountStages();

    /// <summary>
    /// The nodes that match, in order of identity after <paramref name="afterIdentity"/>, at most <paramref name="limit"/> (1 to 1000).
    /// </summary>
    [Alias("Select"), Requires(Permissions.NodesRead)]
    Task<SelectOutcome> Select(NodeQuery query, string? afterIdentity, int limit);

    /// <summary>How many of the nodes that match have which value of a fact.</summary>
    [Alias("CountFact"), Requires(Permissions.NodesRead)]
    Task<CountOutcome> CountFact(NodeQuery query, string fact);

    /// <summary>What a node said of itself; null when it said nothing.</summary>
    [Alias("FindInventory"), Requires(Permissions.NodesRead)]
    Task<NodeInventory?> FindInventory(string identity);
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

    /// <summary>The wire protocol it speaks, once it answered.</summary>
    [Id(22)]
    public NodeProtocol Protocol { get; init; }
}
