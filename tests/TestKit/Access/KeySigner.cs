using ControlPlane.Access;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.TestKit.Access;

/// <summary>Signs with a key of the test's own.</summary>
public sealed class KeySigner : ISiteSigner, IDisposable
{
    private readonly Ed25519Key key = Ed25519Key.Generate();

    public string PublicKey => key.PublicKeyHex;

    public string Sign(ReadOnlySpan<byte> bytes) => key.SignHex(bytes);

    /// <summary>Whether a signature is of a key.</summary>
    public static bool IsSigned(string publicKey, byte[] bytes, string signature) => Ed25519Key.VerifyHex(publicKey, bytes, signature);

    public void Dispose() => key.Dispose();
}
