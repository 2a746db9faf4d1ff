namespace ControlPlane.Adapters.Choria;

using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

/// <summary>Server tokens whose signature was verified before, by the digest of their text. Thread-safe.</summary>
internal sealed class BelievedTokens
{
    /// <summary>Three overlays' nodes, at half a kilobyte each; the oldest makes way.</summary>
    private const int Max = 65_536;

    private readonly ConcurrentDictionary<Digest, ServerClaims> claims = new();
    private readonly ConcurrentQueue<Digest> order = new();

    public ServerClaims? Find(string token) => claims.GetValueOrDefault(DigestOf(token));

    public void Remember(string token, ServerClaims believed)
    {
        var digest = DigestOf(token);
        if (!claims.TryAdd(digest, believed))
        {
            return;
        }

        order.Enqueue(digest);
        if (order.Count > Max && order.TryDequeue(out var oldest))
        {
            claims.TryRemove(oldest, out _);
        }
    }

    private static Digest DigestOf(string token)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(token.AsSpan()), digest);
        return MemoryMarshal.Read<Digest>(digest);
    }

    private readonly record struct Digest(UInt128 High, UInt128 Low);
}
