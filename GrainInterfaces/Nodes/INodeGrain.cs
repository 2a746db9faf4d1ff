namespace ControlPlane.Nodes;

using Orleans.Concurrency;

/// <summary>One Choria server and everything the control plane holds true of it.</summary>
/// <remarks>Key: the node's identity, e.g. <c>web1.example.net</c>.</remarks>
[Alias("ControlPlane.INodeGrain")]
public interface INodeGrain : IGrainWithStringKey
{
    /// <summary>Takes note of a lifecycle event; when it returns, what follows from it is durably due.</summary>
    /// <remarks>
    /// Safe to repeat: an event that is neither of a higher sequence nor stored later than the last one of its network is dropped.
    /// </remarks>
    [Alias("Observe"), AlwaysInterleave]
    Task Observe(FleetEvent fleetEvent);

    /// <summary>Takes note that the node answered a discovery sweep in provisioning mode at an instant. Safe to repeat.</summary>
    [Alias("Sighted"), AlwaysInterleave]
    Task Sighted(NodeProtocol protocol, DateTimeOffset at);

    /// <summary>Does what is due now and says how the node stands then: its roster slice records that.</summary>
    /// <param name="due">What the roster knows: its record that the node was heard of outlives the silo that heard it.</param>
    /// <param name="cancellationToken">Stops between two steps, and waiting within one.</param>
    /// <remarks>
    /// Safe to repeat, and safe to call on another silo after the first one died: each step begins from the stored state.
    /// A call may take minutes; a second one waits for the first.
    /// </remarks>
    [Alias("Continue"), ResponseTimeout("00:05:00")]
    Task<RosterEntry> Continue(RosterEntry due, CancellationToken cancellationToken);

    /// <summary>What is known of the node now, with its history.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<NodeSnapshot> Get();

    /// <summary>What the node would be configured with now, and what it was. Changes nothing.</summary>
    /// <returns>Null when nothing is known of a node of this identity.</returns>
    [Alias("ViewConfiguration"), AlwaysInterleave]
    Task<NodeConfigurationView?> ViewConfiguration();

    /// <summary>Takes note of how alive it is on its overlay; when it returns, that is stored. Safe to repeat.</summary>
    /// <returns>False when it left the fleet: then its silence is nobody's concern.</returns>
    [Alias("NoteLiveness"), AlwaysInterleave]
    Task<bool> NoteLiveness(LivenessChange change);

    /// <summary>
    /// Takes note of what it showed of itself on its overlay. One that proves another key or machine than it enrolled with is quarantined.
    /// Safe to repeat. False when it cannot be judged yet, since the node enrols or has just arrived: it is to be told again.
    /// </summary>
    [Alias("Sight"), AlwaysInterleave]
    Task<bool> Sight(NodeSighting sighting);

    /// <summary>
    /// Takes note that one request of an enrolment got two different answers. What was made for either is withdrawn and the node is
    /// quarantined, which is stored when it returns. Safe to repeat; what concerns no enrolment of now is dropped.
    /// </summary>
    [Alias("Contest"), AlwaysInterleave]
    Task Contest(ContestedAnswer contested);

    /// <summary>Whether who shows credentials of a key is the node as it stands here.</summary>
    /// <param name="key">
    /// Lower-case hexadecimal: the Ed25519 public key of a server token, or SHA-256 of a certificate's public key.
    /// </param>
    [Alias("JudgeKey"), AlwaysInterleave]
    Task<KeyStatus> JudgeKey(string key);

    /// <summary>Makes an enrolled, quarantined or decommissioned node enrol anew.</summary>
    /// <remarks>Safe to repeat: while an enrolment runs, it answers <see cref="ReprovisionOutcome.UnderWay"/>.</remarks>
    [Alias("Reprovision"), ResponseTimeout("00:01:00")]
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
    [Alias("Decommission"), ResponseTimeout("00:01:00")]
    Task<DecommissionOutcome?> Decommission(DecommissionRequest request);
}

/// <summary>The version of Choria's wire protocol that a node speaks.</summary>
public enum NodeProtocol
{
    Unknown = 0,
    V1 = 1,
    V2 = 2,
}

/// <summary>What a key is to a node.</summary>
public enum KeyStatus
{
    /// <summary>No node of that name has credentials of ours.</summary>
    Unknown = 0,

    /// <summary>The node holds it, or is about to.</summary>
    Present = 1,

    /// <summary>The node has other credentials now, or has left the fleet.</summary>
    Superseded = 2,
}

/// <summary>A second answer to a request on the provisioning network, by the same name and another than the first.</summary>
/// <param name="Action">The action that was asked for.</param>
/// <param name="AskedAt">When it was asked.</param>
/// <param name="At">When the second answer came.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ContestedAnswer")]
public sealed record ContestedAnswer(
    [property: Id(0)] string Action, [property: Id(1)] DateTimeOffset AskedAt, [property: Id(2)] DateTimeOffset At);

/// <param name="Reason">Why, in the operator's words; kept in the node's history. 1 to 200 characters.</param>
/// <param name="Actor">Who asks, as the API authenticated it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ReprovisionRequest")]
public sealed record ReprovisionRequest([property: Id(0)] string Reason, [property: Id(1)] string Actor);

/// <param name="Reason">Why, in the operator's words; kept in the node's history. 1 to 200 characters.</param>
/// <param name="Actor">Who asks, as the API authenticated it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.DecommissionRequest")]
public sealed record DecommissionRequest([property: Id(0)] string Reason, [property: Id(1)] string Actor);

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
