using System.Globalization;
using ControlPlane.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using StackExchange.Redis;

namespace ControlPlane.Health;

/// <summary>
/// Ready when Redis takes a small write and gives it back. One that is full, a replica, or cannot save answers pings all the same.
/// </summary>
internal sealed class RedisCheck : IHealthCheck
{
    private static readonly TimeSpan KeyLifetime = TimeSpan.FromMinutes(1);

    private readonly IConnectionMultiplexer redis;
    private readonly RedisKey key;
    private readonly RecentTrial trial;
    private long written;

    public RedisCheck(IConnectionMultiplexer redis, Locality locality, TimeProvider time)
    {
        this.redis = redis;

        // Of this process alone: another silo's write must not be taken for ours.
        key = $"controlplane:{locality.Overlay}:readiness:{Environment.MachineName}:{Environment.ProcessId}";
        trial = new RecentTrial(TryAsync, time);
    }

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        await trial.FaultAsync() is { } fault ? HealthCheckResult.Unhealthy(fault) : HealthCheckResult.Healthy("takes writes");

    private async Task<string?> TryAsync(CancellationToken cancellationToken)
    {
        var number = (++written).ToString(CultureInfo.InvariantCulture);
        try
        {
            var database = redis.GetDatabase();
            await database.StringSetAsync(key, number, KeyLifetime).WaitAsync(cancellationToken);
            return await database.StringGetAsync(key).WaitAsync(cancellationToken) == number
                ? null
                : "it does not give back what it has just taken: is it one server that all silos write to?";
        }
        catch (Exception refused) when (refused is RedisException or RedisCommandException or TimeoutException)
        {
            return $"it does not take writes: {refused.Message}";
        }
    }
}
