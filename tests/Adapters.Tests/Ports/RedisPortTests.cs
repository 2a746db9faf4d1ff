using ControlPlane.Adapters.Redis;
using ControlPlane.Certificates;
using ControlPlane.Store;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Ports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Serialization;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Tests.Ports;

/// <summary>How Redis fails its clients.</summary>
public enum RedisFailure
{
    NobodyListens,
    IsKilled,
    IsSilent,
    ForbidsAll,
    IsReplica,
    HoldsSomethingElse,
    WasLeft,
}

/// <summary>The ledger and the register of keys.</summary>
public sealed class RedisPortTests : PortFailureTests
{
    private const string Scope = "tested";

    public static IEnumerable<(Type Port, Type Implementation)> Tested =>
    [
        (typeof(ICertificateLedger), typeof(RedisCertificateLedger)),
        (typeof(IKeyRegister), typeof(RedisKeyRegister)),
        (typeof(IAskedOnce), typeof(RedisAskedOnce)),
    ];

    public static TheoryData<RedisFailure> Failures => [.. Enum.GetValues<RedisFailure>()];

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Ports_ThrowWhatTheyDeclare_WhenRedisFails(RedisFailure failure)
    {
        await using var server = await RedisServer.StartAsync(new RedisServerSettings { Password = PortProbe.Planted }, Cancel);
        await using var before = await ConnectAsync(server.ConnectionString);
        var endpoint = failure == RedisFailure.NobodyListens
            ? $"127.0.0.1:{LoopbackPort.Free()},password={PortProbe.Planted}"
            : server.ConnectionString;
        if (failure == RedisFailure.IsReplica)
        {
            await before.GetDatabase().ExecuteAsync("REPLICAOF", "127.0.0.1", "1");
        }

        await using var redis = await ConnectAsync(endpoint);
        await FailAsync(failure, server, redis);

        await AssertTranslatedAsync(
            Tested,
            new(
                typeof(ICertificateLedger),
                new RedisCertificateLedger(
                    redis,
                    Scope,
                    new StoredMessages(
                        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>(),
                        NullLogger<StoredMessages>.Instance),
                    TimeProvider.System),
                typeof(LedgerUnavailableException)),
            new(typeof(IKeyRegister), new RedisKeyRegister(redis, Scope), typeof(LedgerUnavailableException))
            {
                // A revocation replaces whatever is there.
                MayAnswer = failure == RedisFailure.HoldsSomethingElse,
            },

            // Nobody else's value is read, only seen to be there.
            new(typeof(IAskedOnce), new RedisAskedOnce(redis, Scope), typeof(StoreUnavailableException))
            {
                MayAnswer = failure == RedisFailure.HoldsSomethingElse,
            });
        if (failure == RedisFailure.IsSilent)
        {
            server.Continue();
        }
    }

    private static Task<ConnectionMultiplexer> ConnectAsync(string endpoint) =>
        ConnectionMultiplexer.ConnectAsync($"{endpoint},abortConnect=false,connectTimeout=10000,syncTimeout=2000,asyncTimeout=2000");

    private static async Task FailAsync(RedisFailure failure, RedisServer server, ConnectionMultiplexer redis)
    {
        switch (failure)
        {
            case RedisFailure.IsKilled:
                await server.KillAsync();
                break;
            case RedisFailure.IsSilent:
                server.Pause();
                break;
            case RedisFailure.ForbidsAll:
                await redis.GetDatabase().ExecuteAsync("ACL", "SETUSER", "default", "-@all");
                break;
            case RedisFailure.HoldsSomethingElse:
                await SpoilAsync(redis.GetDatabase());
                break;
            case RedisFailure.WasLeft:
                await redis.CloseAsync();
                break;
            default:
                break;
        }
    }

    // Under the names that members are asked for: text where a record should be, and lists where another kind of value should.
    private static async Task SpoilAsync(IDatabase database)
    {
        var keys = new LedgerKeys(Scope);
        await database.HashSetAsync(keys.Order("tested", "web1.example.net/1"), [new("v", "no number"), new("d", "no JSON")]);
        await database.SortedSetAddAsync(keys.Node("tested", "web1.example.net"), "web1.example.net/1", 1);
        await database.StringSetAsync(keys.Serial("tested", "tested", "4711"), "web1.example.net/1");
        foreach (var other in (RedisKey[])
        [
            .. LedgerKeys.States.Select(state => keys.Index("tested", state)),
            keys.Outbox("tested", 1),
            keys.Head("tested", 1),
            $"certificates:{Scope}:key:{new string('a', 64)}",
        ])
        {
            await database.ListRightPushAsync(other, "of somebody else");
        }
    }
}
