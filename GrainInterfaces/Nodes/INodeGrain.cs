namespace ControlPlane.Nodes;

using ControlPlane.Access;
using Orleans.Concurrency;

/// <summary>One Choria server and everything the control plane holds true of it.</summary>
/// <remarks>Key: the node's identity, e.g. <c>web1.example.net</c>.</remarks>
[Alias("ControlPlane.INodeGrain")]
public interface INodeGrain : IGrainWithStringKey
{
    /// <summary>What is known of the node now, with its history.</summary>
    [Alias("Get"), AlwaysInterleave, Requires(Permissions.NodesRead, On = AccessTarget.Node)]
    Task<NodeSnapshot> Get();

    /// <summary>What the node would be configured with now, and what it was. Changes nothing.</summary>
    /// <returns>Null when nothing is known of a node of this identity.</returns>
    [Alias("ViewConfiguration"), AlwaysInterleave, Requires(Permissions.NodesRead, On = AccessTarget.Node)]
    Task<NodeConfigurationView?> ViewConfiguration();

    /// <summary>Makes an enrolled, quarantined or decommissioned node enrol anew.</summary>
    /// <remarks>Safe to repeat: while an enrolment runs, it answers <see cref="ReprovisionOutcome.UnderWay"/>.</remarks>
    /// <exception cref="NodeElsewhereException">The silos of another overlay own it.</exception>
    [Alias("Reprovision"), ResponseTimeout("00:01:00"), Requires(Permissions.NodesReprovision, On = AccessTarget.Node)]
    Task<ReprovisionOutcome> Reprovision(ReprovisionRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Takes the node out of the fleet: it is told to shut down where it listens, its certificates are revoked and its place is freed,
    /// which is durably due when it returns.
    /// </summary>
    /// <remarks>
    /// Safe to repeat, at any stage. From then on the node is <see cref="NodeStage.Gone"/>: it is not enrolled when it starts anew, until
    /// <see cref="Reprovision"/> takes it up again.
    /// </remarks>
    /// <returns>Null when nothing is known of a node of this identity.</returns>
    /// <exception cref="NodeElsewhereException">The silos of another overlay own it.</exception>
    [Alias("Decommission"), ResponseTimeout("00:01:00"), Requires(Permissions.NodesDecommission, On = AccessTarget.Node)]
    Task<DecommissionOutcome?> Decommission(DecommissionRequest request);
}

/// <summary>The silos of another overlay own the node: the message says which.</summary>
[GenerateSerializer, Alias("ControlPlane.NodeElsewhereException")]
public sealed class NodeElsewhereException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The version of Choria's wire protocol that a node speaks.</summary>
public enum NodeProtocol
{
    Unknown = 0,
    V1 = 1,
    V2 = 2,
}

/// <param name="Reason">Why, in the operator's words; kept in the node's history. 1 to 200 characters.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ReprovisionRequest")]
public sealed record ReprovisionRequest([property: Id(0)] string Reason) : IGivesReason;

/// <param name="Reason">Why, in the operator's words; kept in the node's history. 1 to 200 characters.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.DecommissionRequest")]
public sealed record DecommissionRequest([property: Id(0)] string Reason) : IGivesReason;

/// <summary>What became of a call to <see cref="INodeGrain.Decommission"/>, and what of the node goes on working.</summary>
/// <param name="IsShutDown">Whether the node said that it shuts down.</param>
/// <param name="Shutdown">The same in words: why not, when it did not.</param>
/// <param name="Remaining">What nobody can take back, in words; empty when nothing.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.DecommissionOutcome")]
public sealed record DecommissionOutcome(
    [property: Id(0)] bool IsShutDown, [property: Id(1)] string Shutdown, [property: Id(2)] IReadOnlyList<string> Remaining);

/// <summary>What became of a call to <see cref="INodeGrain.Reprovision"/>.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.ReprovisionOutcome")]
public abstract record ReprovisionOutcome
{
    /// <summary>The node was told, or is waiting for admission again.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.ReprovisionOutcome.Accepted")]
    public sealed record Accepted : ReprovisionOutcome;

    /// <summary>An enrolment runs already.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.ReprovisionOutcome.UnderWay")]
    public sealed record UnderWay([property: Id(0)] NodeStage Stage) : ReprovisionOutcome;

    /// <summary>Nothing is known of a node of this identity.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.ReprovisionOutcome.UnknownNode")]
    public sealed record UnknownNode : ReprovisionOutcome;

    /// <summary>The node did not do it: it was silent, or it refused.</summary>
    [GenerateSerializer, Immutable, Alias("ControlPlane.ReprovisionOutcome.NodeUnwilling")]
    public sealed record NodeUnwilling([property: Id(0)] string Detail) : ReprovisionOutcome;
}
