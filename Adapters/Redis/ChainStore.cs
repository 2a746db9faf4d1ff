using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Redis;

/// <summary>Chains by their digest: thousands of certificates share one, which is larger than they are. Thread-safe.</summary>
internal sealed class ChainStore(IConnectionMultiplexer redis)
{
    // A CA has a handful of chains in its life; what is beyond is fetched each time.
    private const int CachedMax = 256;

    private readonly ConcurrentDictionary<(string Tag, string Digest), string> cached = new();

    /// <summary>Stores a chain that is not stored yet.</summary>
    /// <returns>Its digest, to be stored instead of it.</returns>
    public async Task<string> KeepAsync(string tag, string chainPem)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(chainPem)));
        if (!cached.ContainsKey((tag, digest)))
        {
            await redis.GetDatabase().HashSetAsync(KeyOf(tag), digest, chainPem, When.NotExists);
            Remember(tag, digest, chainPem);
        }

        return digest;
    }

    /// <summary>The chain of a digest.</summary>
    public async Task<string> FetchAsync(string tag, string digest)
    {
        if (cached.TryGetValue((tag, digest), out var chainPem))
        {
            return chainPem;
        }

        chainPem = (await redis.GetDatabase().HashGetAsync(KeyOf(tag), digest)).ToString();
        Remember(tag, digest, chainPem);
        return chainPem;
    }

    private void Remember(string tag, string digest, string chainPem)
    {
        if (cached.Count < CachedMax)
        {
            cached[(tag, digest)] = chainPem;
        }
    }

    private static RedisKey KeyOf(string tag) => $"{tag}:chains";
}
