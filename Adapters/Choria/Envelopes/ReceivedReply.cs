namespace ControlPlane.Adapters.Choria;

/// <summary>A reply as it came from the wire: readable and not damaged. Who sent it is for <see cref="Proof"/> to show.</summary>
/// <param name="Proof">Null when the node did not sign, as those of V1 and those in provisioning mode never do.</param>
public sealed record ReceivedReply(ChoriaReply Reply, TransportHeaders Headers, ReplyProof? Proof);

/// <summary>What a secure reply of V2 carries to prove its sender.</summary>
/// <param name="SignedBytes">The reply exactly as received.</param>
/// <param name="Signature">ed25519 over <paramref name="SignedBytes"/>.</param>
/// <param name="SenderToken">The node's server token, not verified.</param>
public sealed record ReplyProof(ReadOnlyMemory<byte> SignedBytes, ReadOnlyMemory<byte> Signature, string SenderToken)
{
    /// <summary>Whether the signature is of an ed25519 key. Says nothing of whose key it is.</summary>
    public bool IsSignedBy(ReadOnlySpan<byte> publicKey) => Ed25519Key.Verify(publicKey, SignedBytes.Span, Signature.Span);
}
