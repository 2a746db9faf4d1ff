namespace ControlPlane.Adapters.Choria;

using System.Buffers;

/// <summary>Whether who logs in holds the key of the token that it shows.</summary>
internal static class BrokerNonce
{
    private static readonly SearchValues<char> Base64Url =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>
    /// Null when the signature is right. A broker takes base64url without padding and no other encoding; the decoders of .NET take more.
    /// </summary>
    public static string? Fault(string? publicKeyHex, string? nonce, string? signature)
    {
        if (string.IsNullOrEmpty(signature) || string.IsNullOrEmpty(nonce))
        {
            return "connection nonce was not signed";
        }

        if (!Hex.TryDecode(publicKeyHex, (publicKeyHex?.Length ?? 0) / 2, out var key))
        {
            return "invalid nonce signature";
        }

        if (key.Length != Ed25519Key.PublicKeyBytes)
        {
            return $"could not verify nonce signature: invalid public key length {key.Length}";
        }

        var wrong = signature.AsSpan().IndexOfAnyExcept(Base64Url);
        return wrong >= 0 ? $"invalid url encoded signature: illegal base64 data at input byte {wrong}"
            : NatsNonce.Verify(key, nonce, signature) ? null
            : "nonce signature did not verify using pub key in the jwt";
    }
}
