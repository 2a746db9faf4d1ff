using System.Security.Cryptography;
using ControlPlane.Hosting;
using StackExchange.Redis;

namespace ControlPlane.Access;

/// <summary>The secret by which silos of a site know each other's calls; the first silo makes it.</summary>
internal static class SealKey
{
    public static CallerSeal SealOf(IServiceProvider services)
    {
        var redis = services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
        var key = $"controlplane/{services.GetRequiredService<Locality>().Overlay}/caller-key";
        redis.StringSet(key, RandomNumberGenerator.GetBytes(HMACSHA256.HashSizeInBytes), when: When.NotExists);
        return new CallerSeal((byte[])redis.StringGet(key)!, services.GetRequiredService<TimeProvider>());
    }
}
