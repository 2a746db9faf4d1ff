using ControlPlane.Hosting;
using StackExchange.Redis;

namespace ControlPlane.Access;

/// <summary>Which signatures were taken already, by any silo of the site.</summary>
internal sealed class UsedSignatures(IConnectionMultiplexer redis, Locality locality)
{
    /// <summary>Takes a nonce of a key, once; false when it was taken before.</summary>
    /// <exception cref="RedisException">Nobody can say.</exception>
    public Task<bool> TryTakeAsync(string publicKey, string nonce, TimeSpan remembered) => redis.GetDatabase().StringSetAsync(
        $"controlplane/{locality.Overlay}/signatures/{publicKey}/{nonce}", 1, remembered, when: When.NotExists);
}
