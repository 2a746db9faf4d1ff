using Microsoft.Extensions.Diagnostics.HealthChecks;
using StackExchange.Redis;

namespace ControlPlane.Health;

/// <summary>Ready when Redis answers.</summary>
internal sealed class RedisCheck(IConnectionMultiplexer redis) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var took = await redis.GetDatabase().PingAsync().WaitAsync(cancellationToken);
            return HealthCheckResult.Healthy($"answers in {took.TotalMilliseconds:0.0} ms");
        }
        catch (RedisException away)
        {
            return HealthCheckResult.Unhealthy(away.Message);
        }
        catch (TimeoutException away)
        {
            return HealthCheckResult.Unhealthy(away.Message);
        }
    }
}
