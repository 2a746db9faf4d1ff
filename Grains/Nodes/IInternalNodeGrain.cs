using Orleans.Concurrency;

namespace ControlPlane.Nodes;

/// <summary>What the control plane's own grains, and those who hear nodes, tell and ask a node.</summary>
/// <remarks>Only reading interleaves: what writes has the node for itself, and whoever must wait does so in the node's slice.</remarks>
[Alias("ControlPlane.IInternalNodeGrain")]
internal interface IInternalNodeGrain : INodeGrain
{
    /// <summary>Takes the next step, if the node has the places that it needs, and says how the node stands then.</summary>
    /// <param name="news">What was heard of the node since the last call.</param>
    /// <param name="since">Since when its slice knows of it.</param>
    /// <param name="held">The places that it has.</param>
    /// <param name="cancellationToken">Ends waiting for an answer that is of no use any more: the step is not taken.</param>
    /// <remarks>
    /// Safe to repeat, and safe to call on another silo after the first one died: each step begins from the stored state. Longer than an
    /// order may wait at its CA.
    /// </remarks>
    [Alias("TakeStep"), ResponseTimeout("00:02:00")]
    Task<StepOutcome> TakeStep(NodeNews news, DateTimeOffset since, Places held, CancellationToken cancellationToken);

    /// <summary>Whether news leads elsewhere than the step that is under way, whose answer is of no use then. Changes nothing.</summary>
    [Alias("IsCutShortBy"), AlwaysInterleave]
    Task<bool> IsCutShortBy(NodeNews news);

    /// <summary>Takes note of how alive it is on its overlay; when it returns, that is stored. Safe to repeat.</summary>
    /// <returns>False when it left the fleet: then its silence is nobody's concern.</returns>
    [Alias("RecordLiveness")]
    Task<bool> RecordLiveness(LivenessChange change);

    /// <summary>
    /// Takes note of what it showed of itself on its overlay. One that proves another key or machine than it enrolled with is quarantined.
    /// Safe to repeat. False when it cannot be judged yet, since the node enrols or has just arrived: it is to be told again.
    /// </summary>
    [Alias("RecordSighting")]
    Task<bool> RecordSighting(NodeSighting sighting);

    /// <summary>
    /// Takes note that the node has arrived in an overlay of another site. What it held here is revoked, which is durably due when it
    /// returns. Safe to repeat.
    /// </summary>
    [Alias("MoveAway")]
    Task MoveAway(string from, string to);

    /// <summary>Has the node enrol anew for a job, unless it was decommissioned, and says how that stands.</summary>
    /// <param name="attempt">Names the job and its attempt.</param>
    /// <param name="reason">Why, for the node's history; 1 to 200 characters.</param>
    /// <remarks>Safe to repeat: in one name a node enrols once, whatever silo ends.</remarks>
    [Alias("ReprovisionForJob"), ResponseTimeout("00:01:00")]
    Task<ReprovisionStatus> ReprovisionForJob(string attempt, string reason);

    /// <summary>How the enrolment stands that a job asked for. Changes nothing.</summary>
    [Alias("FindReprovision"), AlwaysInterleave]
    Task<ReprovisionStatus> FindReprovision(string attempt);

    /// <summary>Whether who shows credentials of a key is the node as it stands here.</summary>
    /// <param name="key">
    /// Lower-case hexadecimal: the Ed25519 public key of a server token, or SHA-256 of a certificate's public key.
    /// </param>
    [Alias("JudgeKey"), AlwaysInterleave]
    Task<KeyStatus> JudgeKey(string key);
}
