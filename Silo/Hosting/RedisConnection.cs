using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace ControlPlane.Hosting;

/// <summary>The one connection to Redis that membership, grain state and the ledger share.</summary>
internal static class RedisConnection
{
    /// <summary>Added before the silo, so that the silo finds Redis there, or is told in one sentence that it is not.</summary>
    public static WebApplicationBuilder AddRedis(this WebApplicationBuilder builder)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<IValidateOptions<RedisOptions>, RedisOptionsValidator>();
        builder.Services.AddOptions<RedisOptions>().BindConfiguration(RedisOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<IConnectionMultiplexer>(services => ConnectionMultiplexer.Connect(OptionsOf(services)));
        builder.Services.AddHostedService<RedisStart>();
        return builder;
    }

    /// <summary>What the connection is made of.</summary>
    public static ConfigurationOptions OptionsOf(IServiceProvider services) =>
        services.GetRequiredService<IOptions<RedisOptions>>().Value
            .ToClientOptions($"controlplane-{services.GetRequiredService<Locality>().Overlay}");
}
