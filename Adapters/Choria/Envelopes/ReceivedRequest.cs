namespace ControlPlane.Adapters.Choria;

/// <summary>A request as it came from the wire: readable, and nothing more. Who sent it is for <see cref="Proof"/> to show.</summary>
public sealed record ReceivedRequest(ChoriaRequest Request, TransportHeaders Headers, RequestProof Proof);

/// <summary>What a secure request carries to prove its caller.</summary>
/// <param name="Protocol">Decides how to verify: V1 by certificate, V2 by token.</param>
/// <param name="SignedBytes">The request exactly as received.</param>
/// <param name="Signature">RSA PKCS#1 SHA-256 in V1, ed25519 in V2, both over <paramref name="SignedBytes"/>.</param>
/// <param name="CallerCredential">The caller's certificate as PEM in V1, the caller's token in V2.</param>
/// <param name="SignerToken">The token of the delegate that signed in the caller's place; V2 only.</param>
public sealed record RequestProof(
    ChoriaProtocol Protocol,
    ReadOnlyMemory<byte> SignedBytes,
    ReadOnlyMemory<byte> Signature,
    string CallerCredential,
    string? SignerToken)
{
    /// <summary>Whether the caller did not sign, as provisioning allows: only nodes in provisioning mode serve it.</summary>
    public bool IsInsecure => Protocol == ChoriaProtocol.V1
        ? !CallerCredential.StartsWith("-----BEGIN", StringComparison.Ordinal)
        : Signature.Span.SequenceEqual(RequestSigner.InsecureMark);

    /// <summary>Whether the signature is of an ed25519 key. V2 only; false in V1. Says nothing of whose key it is.</summary>
    public bool IsSignedBy(ReadOnlySpan<byte> publicKey) =>
        Protocol == ChoriaProtocol.V2 && Ed25519Key.Verify(publicKey, SignedBytes.Span, Signature.Span);

    /// <summary>Whether the signature is of the certificate beside it. V1 only; false in V2. Says nothing of who issued it.</summary>
    public bool IsSignedByItsCertificate() =>
        Protocol == ChoriaProtocol.V1 && RequestCertificate.Verifies(CallerCredential, SignedBytes.Span, Signature.Span);
}
