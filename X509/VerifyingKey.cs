using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace ControlPlane.X509;

/// <summary>A CA's public key, kept open: making the platform's object of it costs several times what verifying with it does.</summary>
/// <remarks>
/// Thread-safe. The platform's objects are not said to be, so that each caller gets one of its own; there are as many as there were callers
/// at once.
/// </remarks>
public sealed class VerifyingKey(PublicKeyParts parts)
{
    private readonly ConcurrentBag<AsymmetricAlgorithm> idle = [];

    public PublicKeyParts Parts => parts;

    /// <summary>Whether the signature over the bytes is the key's.</summary>
    public bool Verifies(HashAlgorithmName digest, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        try
        {
            if (!idle.TryTake(out var key))
            {
                key = ProofOfPossession.Open(parts);
            }

            var verifies = ProofOfPossession.Verifies(key, digest, signed, signature);
            idle.Add(key);
            return verifies;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
