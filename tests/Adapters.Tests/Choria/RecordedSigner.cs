namespace ControlPlane.Adapters.Choria.Tests;

/// <summary>Signs with what another program signed, so that whole messages can be compared.</summary>
internal sealed class RecordedSigner(RequestProof proof) : RequestSigner
{
    public byte[] Signed { get; private set; } = [];

    internal override Seal Sign(ChoriaProtocol protocol, ReadOnlySpan<byte> request)
    {
        Signed = request.ToArray();
        return new Seal(proof.Signature.ToArray(), proof.CallerCredential, proof.SignerToken);
    }
}
