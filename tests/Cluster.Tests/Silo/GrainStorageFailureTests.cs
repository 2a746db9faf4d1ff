using ControlPlane.Hosting;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;
using StackExchange.Redis;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>What grains reach outside without a port of ours: their storage, which Orleans keeps in Redis.</summary>
public sealed class GrainStorageFailureTests
{
    private static readonly GrainId Grain = GrainId.Create("tested", "1");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Storage_ThrowsWhatCrossesCalls_HoweverRedisFails()
    {
        await using var server = await RedisServer.StartAsync(Cancel);
        await using var redis = await ConnectionMultiplexer.ConnectAsync(
            $"{server.ConnectionString},allowAdmin=true,abortConnect=false,syncTimeout=2000,asyncTimeout=2000");
        await using var cluster = Cluster(redis);
        await cluster.DeployAsync(Cancel);
        await WriteAsync(cluster);

        await AssertFailsAsync(
            cluster,
            () => redis.GetServers()[0].ConfigSetAsync("maxmemory", 1),
            () => redis.GetServers()[0].ConfigSetAsync("maxmemory", 0));
        await AssertFailsAsync(
            cluster,
            () => redis.GetDatabase().ExecuteAsync("ACL", "SETUSER", "default", "-hset", "-evalsha", "-eval"),
            () => redis.GetDatabase().ExecuteAsync("ACL", "SETUSER", "default", "+@all"));
        await AssertFailsAsync(cluster, () => Run(server.Pause), () => Run(server.Continue));
        await AssertFailsAsync(cluster, server.KillAsync, () => Task.CompletedTask);
        await cluster.StopAllSilosAsync(Cancel);
    }

    private static InProcessTestCluster Cluster(ConnectionMultiplexer redis)
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) =>
        {
            OrleansRuntime.CarryExceptions(silo.Services);
            silo.AddRedisGrainStorage(Stores.Fleet, storage => storage.Configure<IServiceProvider>((options, services) =>
            {
                options.ConfigurationOptions = ConfigurationOptions.Parse(redis.Configuration);
                options.CreateMultiplexer = _ => Task.FromResult<(IConnectionMultiplexer, bool)>((redis, true));
                options.GrainStorageSerializer = new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>());
            }));
        });
        return builder.Build();
    }

    private static async Task AssertFailsAsync(InProcessTestCluster cluster, Func<Task> fail, Func<Task> mend)
    {
        await fail();
        var thrown = await Assert.ThrowsAnyAsync<Exception>(() => WriteAsync(cluster));
        await mend();

        Assert.StartsWith("Orleans", thrown.GetType().Namespace, StringComparison.Ordinal);
        var serializer = cluster.GetSiloServiceProvider().GetRequiredService<Serializer>();
        var arrived = serializer.Deserialize<Exception>(serializer.SerializeToArray(thrown))!;
        Assert.Equal((thrown.GetType(), thrown.Message), (arrived.GetType(), arrived.Message));
    }

    private static async Task WriteAsync(InProcessTestCluster cluster)
    {
        var storage = cluster.GetSiloServiceProvider().GetRequiredKeyedService<IGrainStorage>(Stores.Fleet);
        var state = new GrainState<List<string>>([]);
        await storage.ReadStateAsync("state", Grain, state);
        state.State = ["written"];
        await storage.WriteStateAsync("state", Grain, state);
    }

    private static Task Run(Action action)
    {
        action();
        return Task.CompletedTask;
    }
}
