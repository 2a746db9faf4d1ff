using Microsoft.Extensions.Options;

namespace ControlPlane.Nodes;

/// <summary>What a machine must show before it is given anything: a token that is ours, and what the site demands besides.</summary>
internal sealed class NodeAttestation(INodeAttestor attestor, IOptionsMonitor<NodeProofOptions> demanded, IExpectedNodes expected)
{
    private const string OurSettings =
        "no provisioning token was accepted since this silo started: look whether the shared secret, the tokens' signers and their issuers "
        + "that it is configured with are those of the nodes";

    private volatile bool hasAccepted;

    /// <inheritdoc cref="INodeAttestor.Attest"/>
    public Attestation Attest(string token, DateTimeOffset now)
    {
        var judged = attestor.Attest(token, now);
        hasAccepted |= judged is Attestation.Trusted;
        return judged;
    }

    /// <summary>
    /// Why a refusal may be the fault of what we are configured with, in words; null when it is the node's. A secret or signer of ours that
    /// is wrong would take out all nodes that fall back, and only an operator could bring them back, one by one.
    /// </summary>
    /// <remarks>Machines that we never knew are refused all the same: they are forgotten, and found again.</remarks>
    public string? OurFault(NodeState state, Refusal refusal, string detail) =>
        !hasAccepted
        && state.Held is not null
        && refusal is Refusal.TokenUntrusted or Refusal.TokenWronglyChained or Refusal.SecretMismatch
            ? $"{detail}; {OurSettings}"
            : null;

    /// <inheritdoc cref="NodeProof.Fault"/>
    public string? ProofFault(string identity, NodeState state, EnrolmentFindings findings, DateTimeOffset now) =>
        NodeProof.Fault(identity, state, findings, demanded.CurrentValue, expected, now);
}
