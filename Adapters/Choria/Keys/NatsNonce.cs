namespace ControlPlane.Adapters.Choria;

using System.Buffers;
using System.Buffers.Text;
using System.Text;

/// <summary>How a token's holder proves it to the broker: the <c>sig</c> of CONNECT over the <c>nonce</c> of INFO.</summary>
public static class NatsNonce
{
    // The decoder takes padding and white space too; brokers do not.
    private const int SignatureLength = ((Ed25519Key.SignatureBytes * 8) + 5) / 6;

    /// <summary>The signature as CONNECT carries it: base64url without padding.</summary>
    public static string Sign(Ed25519Key key, string nonce)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Base64Url.EncodeToString(key.Sign(Encoding.UTF8.GetBytes(nonce)));
    }

    /// <summary>Whether a signature is of the holder of a public key. Never throws for what it may hold.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, string nonce, string signature)
    {
        Span<byte> decoded = stackalloc byte[Ed25519Key.SignatureBytes];
        return signature.Length == SignatureLength
            && Base64Url.DecodeFromChars(signature, decoded, out _, out var written) == OperationStatus.Done
            && written == decoded.Length
            && Ed25519Key.Verify(publicKey, Encoding.UTF8.GetBytes(nonce), decoded);
    }
}
