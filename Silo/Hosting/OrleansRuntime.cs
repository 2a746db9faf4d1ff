using System.Net;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.Storage;
using StackExchange.Redis;

namespace ControlPlane.Hosting;

/// <summary>The Orleans silo: its name and ports, its cluster in Redis, its limits and its patience.</summary>
internal static class OrleansRuntime
{
    /// <summary>
    /// Calls that may wait for one grain. Beyond it the grain answers "too busy" at once, which callers retry, instead of taking
    /// memory. A herd of 20 000 nodes is 313 calls to each of the roster's 64 slices.
    /// </summary>
    private const int WaitingCallsMax = 5_000;

    /// <summary>Adds what every feature stands on.</summary>
    public static ISiloBuilder AddRuntime(this ISiloBuilder silo)
    {
        AddOptions(silo.Services);
        CarryExceptions(silo.Services);
        return silo.AddIdentity().AddPortGuard().AddRedisProviders().AddPatience();
    }

    /// <summary>
    /// Adapters say in their ports' words what went wrong. What slips through all the same, our own exceptions and those of the clients
    /// that they use, crosses calls as it is: in its place a caller would be told that there is no codec for it.
    /// </summary>
    public static void CarryExceptions(IServiceCollection services) => services.Configure<ExceptionSerializationOptions>(exceptions =>
        exceptions.SupportedNamespacePrefixes.UnionWith(["ControlPlane", "NATS.Client", "StackExchange.Redis"]));

    private static void AddOptions(IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<SiloHostOptions>, SiloHostOptionsValidator>();
        services.AddOptions<SiloHostOptions>().BindConfiguration(SiloHostOptions.Section).ValidateOnStart();
        services.AddOptions<HostOptions>().Configure<IOptions<SiloHostOptions>>(
            (host, silo) => host.ShutdownTimeout = silo.Value.ShutdownTimeout);
        services.AddSingleton(provider =>
        {
            var overlays = provider.GetRequiredService<IOptions<OverlaysOptions>>().Value;
            return new Locality(overlays.Region, overlays.Local);
        });
    }

    // ServiceId names the data, ClusterId the silos that work on it together: a new generation starts with a fresh membership
    // over the same state.
    private static ISiloBuilder AddIdentity(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<ClusterOptions>().Configure<Locality, IOptions<SiloHostOptions>>((cluster, locality, host) =>
        {
            cluster.ServiceId = locality.Overlay;
            cluster.ClusterId = TransportHosting.ClusterIdOf(locality.Overlay, host.Value.Generation);
        });

        silo.Services.AddOptions<EndpointOptions>().Configure<IOptions<SiloHostOptions>>((endpoints, host) =>
        {
            endpoints.AdvertisedIPAddress = IPAddress.Parse(host.Value.Address);
            endpoints.SiloPort = host.Value.Port;
            endpoints.GatewayPort = host.Value.GatewayPort;
        });
        return silo;
    }

    private static ISiloBuilder AddRedisProviders(this ISiloBuilder silo)
    {
        silo.UseRedisClustering(_ => { });
        silo.Services.AddOptions<Orleans.Clustering.Redis.RedisClusteringOptions>()
            .Configure<IServiceProvider>((clustering, services) =>
            {
                clustering.ConfigurationOptions = RedisConnection.OptionsOf(services);
                clustering.CreateMultiplexer = _ => Shared(services);
            });

        // The Orleans codec, not JSON: docs/decisions/0002-grain-state-codec.md.
        silo.AddRedisGrainStorage(Stores.Fleet, storage => storage.Configure<IServiceProvider>((redis, services) =>
        {
            redis.ConfigurationOptions = RedisConnection.OptionsOf(services);
            redis.CreateMultiplexer = _ => Shared(services);
            redis.GrainStorageSerializer = new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>());
            redis.DeleteStateOnClear = true;
        }));
        return silo;
    }

    private static Task<(IConnectionMultiplexer Multiplexer, bool IsShared)> Shared(IServiceProvider services) =>
        Task.FromResult((services.GetRequiredService<IConnectionMultiplexer>(), true));

    private static ISiloBuilder AddPatience(this ISiloBuilder silo)
    {
        silo.Configure<SiloMessagingOptions>(messaging =>
        {
            // A control call that takes longer has failed for its caller; methods that must take longer say so themselves.
            messaging.ResponseTimeout = TimeSpan.FromSeconds(5);
            messaging.CancelRequestOnTimeout = true;
            messaging.MaxEnqueuedRequestsSoftLimit = WaitingCallsMax / 2;
            messaging.MaxEnqueuedRequestsHardLimit = WaitingCallsMax;
        });

        // A silo that was killed is voted out in about three seconds: three missed probes of one second. Two misses were measured
        // to be faster still, but a full collection on a busy two-core machine can take that long.
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = TimeSpan.FromSeconds(1);
            membership.NumMissedProbesLimit = 3;
            membership.TableRefreshTimeout = TimeSpan.FromSeconds(20);

            // After all silos were killed at once, a new one waits until the rows of the dead are three of these old.
            membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
        });

        // No load shedding by CPU: it also stops the fleet's streams, and a herd keeps every core busy for minutes. What bounds the
        // work is the enrolment gate, not the processor.
        return silo;
    }
}
