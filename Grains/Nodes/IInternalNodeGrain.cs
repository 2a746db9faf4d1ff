using Orleans.Concurrency;

namespace ControlPlane.Nodes;

/// <summary>What the control plane's own grains, and those who hear nodes, tell and ask a node.</summary>
[Alias("ControlPlane.IInternalNodeGrain")]
internal interface IInternalNodeGrain : INodeGrain
{
    /// <summary>Takes note of a lifecycle event; when it returns, what follows from it is durably due.</summary>
    /// <remarks>
    /// Safe to repeat: an event that is neither of a higher sequence nor stored later than the last one of its network is dropped.
    /// </remarks>
    [Alias("Observe"), AlwaysInterleave]
    Task Observe(FleetEvent fleetEvent);

    /// <summary>Takes note that the node answered a discovery sweep in provisioning mode at an instant. Safe to repeat.</summary>
    [Alias("RecordSweepAnswer"), AlwaysInterleave]
    Task RecordSweepAnswer(NodeProtocol protocol, DateTimeOffset at);

    /// <summary>Does what is due now and says how the node stands then: its roster slice records that.</summary>
    /// <param name="due">What the roster knows: its record that the node was heard of outlives the silo that heard it.</param>
    /// <param name="cancellationToken">Stops between two steps, and waiting within one.</param>
    /// <remarks>
    /// Safe to repeat, and safe to call on another silo after the first one died: each step begins from the stored state.
    /// A call may take minutes; a second one waits for the first.
    /// </remarks>
    [Alias("Continue"), ResponseTimeout("00:05:00")]
    Task<RosterEntry> Continue(RosterEntry due, CancellationToken cancellationToken);

    /// <summary>Takes note of how alive it is on its overlay; when it returns, that is stored. Safe to repeat.</summary>
    /// <returns>False when it left the fleet: then its silence is nobody's concern.</returns>
    [Alias("RecordLiveness"), AlwaysInterleave]
    Task<bool> RecordLiveness(LivenessChange change);

    /// <summary>
    /// Takes note of what it showed of itself on its overlay. One that proves another key or machine than it enrolled with is quarantined.
    /// Safe to repeat. False when it cannot be judged yet, since the node enrols or has just arrived: it is to be told again.
    /// </summary>
    [Alias("RecordSighting"), AlwaysInterleave]
    Task<bool> RecordSighting(NodeSighting sighting);

    /// <summary>
    /// Takes note that one request of an enrolment got two different answers. What was made for either is withdrawn and the node is
    /// quarantined, which is stored when it returns. Safe to repeat; what concerns no enrolment of now is dropped.
    /// </summary>
    [Alias("RecordContest"), AlwaysInterleave]
    Task RecordContest(ContestedAnswer contested);

    /// <summary>Whether who shows credentials of a key is the node as it stands here.</summary>
    /// <param name="key">
    /// Lower-case hexadecimal: the Ed25519 public key of a server token, or SHA-256 of a certificate's public key.
    /// </param>
    [Alias("JudgeKey"), AlwaysInterleave]
    Task<KeyStatus> JudgeKey(string key);
}
