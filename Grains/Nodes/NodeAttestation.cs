using Microsoft.Extensions.Options;

namespace ControlPlane.Nodes;

/// <summary>What a machine must show before it is given anything: a token that is ours, and what the site demands besides.</summary>
internal sealed class NodeAttestation(INodeAttestor attestor, IOptionsMonitor<NodeProofOptions> demanded, IExpectedNodes expected)
{
    /// <inheritdoc cref="INodeAttestor.Attest"/>
    public Attestation Attest(string token, DateTimeOffset now) => attestor.Attest(token, now);

    /// <inheritdoc cref="NodeProof.Fault"/>
    public string? ProofFault(string identity, NodeState state, EnrolmentFindings findings, DateTimeOffset now) =>
        NodeProof.Fault(identity, state, findings, demanded.CurrentValue, expected, now);
}
