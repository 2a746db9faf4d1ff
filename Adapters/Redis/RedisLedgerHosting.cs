using ControlPlane.Adapters.Redis;
using ControlPlane.Certificates;
using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Hosting;

/// <summary>Registers the certificate ledger.</summary>
public static class RedisLedgerHosting
{
    /// <summary>Keeps the certificate ledger in Redis, over the <see cref="StackExchange.Redis.IConnectionMultiplexer"/> of the container.</summary>
    public static ISiloBuilder AddRedisLedger(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<ICertificateLedger, RedisCertificateLedger>();
        return silo;
    }
}
