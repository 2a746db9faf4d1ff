using ControlPlane;
using ControlPlane.Adapters.Redis;
using ControlPlane.Certificates;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using StackExchange.Redis;

namespace Orleans.Hosting;

/// <summary>Adds the certificate ledger.</summary>
public static class RedisLedgerHosting
{
    /// <summary>
    /// Keeps the certificate ledger, the register of keys and what other sites asked in Redis, over the
    /// <see cref="IConnectionMultiplexer"/> that is registered, apart from that of any other service id.
    /// </summary>
    public static ISiloBuilder AddRedisLedger(this ISiloBuilder silo)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<StoredMessages>();
        silo.Services.AddSingleton<ICertificateLedger>(provider => new RedisCertificateLedger(
            provider.GetRequiredService<IConnectionMultiplexer>(),
            provider.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId,
            provider.GetRequiredService<StoredMessages>(),
            provider.GetRequiredService<TimeProvider>()));
        silo.Services.AddSingleton<IKeyRegister>(provider => new RedisKeyRegister(
            provider.GetRequiredService<IConnectionMultiplexer>(),
            provider.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId));
        silo.Services.AddSingleton<IAskedOnce>(provider => new RedisAskedOnce(
            provider.GetRequiredService<IConnectionMultiplexer>(),
            provider.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId));
        return silo;
    }
}
