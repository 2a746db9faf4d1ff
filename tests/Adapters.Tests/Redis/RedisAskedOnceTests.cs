using ControlPlane.Adapters.Redis;
using ControlPlane.TestKit;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Tests.Redis;

/// <summary>What was asked once stays known: to other silos, after their restart and that of Redis, and until its time is over.</summary>
public sealed class RedisAskedOnceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnId_IsNewOnce_ForAllWhoShareTheSite_AndAfterARestart()
    {
        await using var server = await RedisServer.StartAsync(new RedisServerSettings { AppendOnly = true }, Cancel);
        await using (var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString))
        {
            Assert.True(await TryAsync(redis, "eu-1", "a"));
            Assert.False(await TryAsync(redis, "eu-1", "a"));
            Assert.True(await TryAsync(redis, "eu-1", "b"));
            Assert.True(await TryAsync(redis, "eu-2", "a"));
            var life = await redis.GetDatabase().KeyTimeToLiveAsync("asked:eu-1:a");
            Assert.InRange(life!.Value, TimeSpan.FromMinutes(50), TimeSpan.FromHours(1));
        }

        await server.KillAsync();
        await server.RestartAsync(Cancel);
        await using var again = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        Assert.False(await TryAsync(again, "eu-1", "a"));
    }

    private static Task<bool> TryAsync(ConnectionMultiplexer redis, string scope, string id) =>
        new RedisAskedOnce(redis, scope).TryRecordAsync(id, TimeSpan.FromHours(1), Cancel);
}
