namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;

/// <summary>The SHA-256 of every reply. It shows damage, not who sent it.</summary>
internal static class EnvelopeHash
{
    public static void Require(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> hash)
    {
        Span<byte> actual = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(reply, actual);
        if (!actual.SequenceEqual(hash))
        {
            throw new ChoriaFormatException(new ChoriaFault(ChoriaLayer.SecureReply, "hash", "is not that of the reply"));
        }
    }
}
