using ControlPlane.Store;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Redis;

/// <summary>A key in Redis for each, which ends by itself. Thread-safe.</summary>
internal sealed class RedisAskedOnce(IConnectionMultiplexer redis, string scope) : IAskedOnce
{
    public async Task<bool> TryRecordAsync(string id, TimeSpan keepFor, CancellationToken cancellationToken)
    {
        try
        {
            return await redis.GetDatabase()
                .StringSetAsync($"asked:{Uri.EscapeDataString(scope)}:{id}", RedisValue.EmptyString, keepFor, when: When.NotExists)
                .WaitAsync(cancellationToken);
        }
        catch (Exception away) when (RedisFault.IsAway(away))
        {
            throw new StoreUnavailableException($"Redis did not answer: {away.GetType().Name}", away);
        }
    }
}
