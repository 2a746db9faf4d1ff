using ControlPlane.Health;
using ControlPlane.Hosting;
using ControlPlane.TestKit;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>A Redis that answers pings and takes no writes is not one to live by (issue 12, 18).</summary>
public sealed class RedisCheckTests
{
    private readonly FakeTimeProvider time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Check_IsUnhealthy_WhileRedisIsFull()
    {
        await using var server = await RedisServer.StartAsync(Cancel);
        await using var redis = await ConnectAsync(server);
        var check = new RedisCheck(redis, new Locality("eu", "london"), time);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(check)).Status);

        await redis.GetServers()[0].ConfigSetAsync("maxmemory-policy", "noeviction");
        await redis.GetServers()[0].ConfigSetAsync("maxmemory", 1);

        // Tried every few seconds, however many ask.
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(check)).Status);
        time.Advance(RecentTrial.KeptFor);
        var full = await CheckAsync(check);
        Assert.Equal(HealthStatus.Unhealthy, full.Status);
        Assert.Contains("OOM", full.Description, StringComparison.Ordinal);

        await redis.GetServers()[0].ConfigSetAsync("maxmemory", 0);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(check)).Status);
    }

    [Fact]
    public async Task Check_IsUnhealthy_OnAReadOnlyReplica()
    {
        await using var server = await RedisServer.StartAsync(Cancel);
        await using var redis = await ConnectAsync(server);
        var check = new RedisCheck(redis, new Locality("eu", "london"), time);

        // Of a server that is not there: it is a replica all the same.
        await redis.GetDatabase().ExecuteAsync("REPLICAOF", "127.0.0.1", $"{LoopbackPort.Free()}");

        var replica = await CheckAsync(check);
        Assert.Equal(HealthStatus.Unhealthy, replica.Status);
        Assert.Contains("does not take writes", replica.Description, StringComparison.Ordinal);
    }

    private static Task<HealthCheckResult> CheckAsync(RedisCheck check) => check.CheckHealthAsync(new HealthCheckContext(), Cancel);

    private static async Task<ConnectionMultiplexer> ConnectAsync(RedisServer server) =>
        await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{server.Port},allowAdmin=true");
}
