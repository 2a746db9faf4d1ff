using ControlPlane.Adapters.Redis;
using ControlPlane.Adapters.Tests.Certificates;
using ControlPlane.Certificates;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Serialization;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Tests.Redis;

/// <summary>A redis-server of the class's own.</summary>
public sealed class RedisLedgerFixture : IAsyncLifetime
{
    public RedisServer Server { get; private set; } = null!;

    public ConnectionMultiplexer Connection { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await RedisServer.StartAsync(TestContext.Current.CancellationToken);
        Connection = await ConnectionMultiplexer.ConnectAsync(Server.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await Server.DisposeAsync();
    }
}

public sealed class RedisCertificateLedgerTests(RedisLedgerFixture redis) : CertificateLedgerContract, IClassFixture<RedisLedgerFixture>
{
    private static readonly DateTimeOffset Epoch = TimeProvider.System.GetUtcNow();
    private static readonly StoredMessages Stored = new(
        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>(),
        NullLogger<StoredMessages>.Instance);

    [Fact]
    public async Task TryWriteAsync_StoresAChainOnce_ForAllWhoShareIt()
    {
        var cancel = TestContext.Current.CancellationToken;
        var chain = new string('c', 4_000);
        for (var number = 0; number < 50; number++)
        {
            var certificate = new IssuedCertificate($"{number}", "shared", "01", "pem", chain, Epoch, Epoch.AddDays(1), "f00d");
            await Open().TryWriteAsync(Entry("shared", $"{number}") with { Certificate = certificate }, cancel);
        }

        Assert.Equal(chain, (await Open().ReadAsync("shared", "7", cancel))!.Certificate!.ChainPem);
        var length = await redis.Connection.GetDatabase().HashStringLengthAsync("certificates:{tests/shared}:order:7", "d");
        Assert.InRange(length, 1, 1_000);
    }

    [Fact]
    public async Task TryWriteAsync_LetsAnOrderExpire_OnlyWhenItIsClosed()
    {
        var cancel = TestContext.Current.CancellationToken;
        var database = redis.Connection.GetDatabase();
        var entry = await Open().TryWriteAsync(Entry("kept", "1"), cancel);
        Assert.Null(await database.KeyTimeToLiveAsync("certificates:{tests/kept}:order:1"));

        await Open().TryWriteAsync(entry! with { State = LedgerState.Closed }, cancel);

        Assert.InRange(
            (await database.KeyTimeToLiveAsync("certificates:{tests/kept}:order:1"))!.Value, TimeSpan.FromDays(89), TimeSpan.FromDays(91));
    }

    [Fact]
    public async Task ReadAsync_StillReadsWhatAnOlderSiloStored()
    {
        await redis.Connection.GetDatabase().HashSetAsync("certificates:{tests/old}:order:web1/1",
        [
            new HashEntry("v", 3),
            new HashEntry("s", 4),
            new HashEntry("d", """
                {"Issuer":"old","OrderId":"web1/1","Identity":"web1","State":4,"RequestDigest":"d","CreatedAt":"2026-11-23T00:00:00+00:00",
                 "Version":0,"AskedIssuer":"other","OrderedAt":"2026-11-23T00:00:01+00:00"}
                """),
        ]);

        var entry = await Open().ReadAsync("old", "web1/1", TestContext.Current.CancellationToken);

        Assert.Equal((LedgerState.OutcomeUnknown, 3L, "other"), (entry!.State, entry.Version, entry.AskedIssuer));
    }

    [Fact]
    public async Task ReadOutboxAsync_ShowsWhatWasChangedPastTheLedger()
    {
        var cancel = TestContext.Current.CancellationToken;
        for (var number = 0; number < 10; number++)
        {
            await Open().TryWriteAsync(Entry("audited", $"{number}"), cancel);
        }

        var shard = Entry("audited", "0").Shard;
        Assert.Empty(await FaultsAsync());

        var stream = $"certificates:{{tests/audited}}:history:{shard}";
        await redis.Connection.GetDatabase().StreamDeleteAsync(stream, ["4-0"]);
        Assert.Equal(["the records between 3 and 5 are missing"], await FaultsAsync());

        await redis.Connection.GetDatabase().StreamDeleteAsync(stream, ["10-0"]);
        Assert.Contains("the records after 9 are missing: the last is 10", await FaultsAsync());

        async Task<IReadOnlyList<string>> FaultsAsync()
        {
            var (records, head) = await Open().ReadOutboxAsync("audited", shard, 0, 100, cancel);
            return LedgerChain.Faults(records, 0, head, complete: true);
        }
    }

    [Fact]
    public async Task TryWriteAsync_RefusesClearly_WhileTheOutboxIsFull_AndChangesNothing()
    {
        var cancel = TestContext.Current.CancellationToken;
        var database = redis.Connection.GetDatabase();
        var written = (await Open().TryWriteAsync(Entry("full", "1"), cancel))!;
        var outbox = $"certificates:{{tests/full}}:history:{written.Shard}";
        await FillAsync(2, LedgerChain.OutboxMax - LedgerChain.OutboxReserve);
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Open().TryWriteAsync(Entry("full", "2"), cancel));
        written = (await Open().TryWriteAsync(written with { State = LedgerState.Issued }, cancel))!;
        await FillAsync(LedgerChain.OutboxMax - LedgerChain.OutboxReserve + 2, LedgerChain.OutboxMax);
        var (_, head) = await Open().ReadOutboxAsync("full", written.Shard, 0, 1, cancel);

        var refused = await Assert.ThrowsAsync<LedgerUnavailableException>(
            () => Open().TryWriteAsync(written with { State = LedgerState.Closed }, cancel));

        Assert.Contains("wait for the log of certificates", refused.Message, StringComparison.Ordinal);
        Assert.Equal(written, await Open().ReadAsync("full", "1", cancel));
        Assert.Equal(head, (await Open().ReadOutboxAsync("full", written.Shard, 0, 1, cancel)).Head);
        Assert.Null(await Open().TryWriteAsync(Entry("full", "1"), cancel));
        Assert.Null(await Open().ReadAsync("full", "2", cancel));

        await Open().TrimOutboxAsync("full", written.Shard, LedgerChain.OutboxMax, cancel);
        Assert.NotNull(await Open().TryWriteAsync(written with { State = LedgerState.Closed }, cancel));

        async Task FillAsync(int from, int to)
        {
            await Task.WhenAll(
                Enumerable.Range(from, to - from + 1).Select(number => database.StreamAddAsync(outbox, "d", "{}", $"{number}-0")));
            await database.HashSetAsync($"{outbox}:head", "n", to);
        }
    }

    [Fact]
    public async Task Ledger_SaysThatItIsUnavailable_WhenRedisIsGone()
    {
        var cancel = TestContext.Current.CancellationToken;
        var gone = await RedisServer.StartAsync(cancel);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(gone.ConnectionString + ",syncTimeout=500,asyncTimeout=500");
        var ledger = Open(connection);
        await gone.DisposeAsync();

        await Assert.ThrowsAsync<LedgerUnavailableException>(() => ledger.ReadAsync("ca", "1", cancel));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => ledger.TryWriteAsync(Entry("ca", "1"), cancel));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => ledger.ListAsync("ca", LedgerState.Issued, null, 1, cancel));
    }

    [Fact]
    public async Task ListAsync_LeavesOutWhatCannotBeRead_AndGoesOnWithTheOthers()
    {
        var cancel = TestContext.Current.CancellationToken;
        foreach (var number in Enumerable.Range(0, 6))
        {
            await Open().TryWriteAsync(Entry("spoilt", $"{number}") with { CreatedAt = Epoch.AddSeconds(number) }, cancel);
        }

        foreach (var (number, spoilt) in new[] { ("0", "{\"Issuer\":"), ("1", "null"), ("3", "no JSON") })
        {
            await redis.Connection.GetDatabase().HashSetAsync($"certificates:{{tests/spoilt}}:order:{number}", "d", spoilt);
        }

        var first = await Open().ListAsync("spoilt", LedgerState.Intended, after: null, 2, cancel);
        var second = await Open().ListAsync("spoilt", LedgerState.Intended, first[^1].Position, 2, cancel);

        Assert.Equal(["2", "4"], first.Select(entry => entry.OrderId));
        Assert.Equal(["5"], second.Select(entry => entry.OrderId));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Open().ReadAsync("spoilt", "3", cancel));
    }

    protected override ICertificateLedger Open() => Open(redis.Connection);

    private static RedisCertificateLedger Open(ConnectionMultiplexer connection) => new(connection, "tests", Stored, TimeProvider.System);

    private static LedgerEntry Entry(string issuer, string orderId) =>
        new(issuer, orderId, "web1", LedgerState.Intended, "digest", Epoch, null, null, null, Version: 0);
}

public sealed class RedisKeyRegisterTests(RedisLedgerFixture redis) : KeyRegisterContract, IClassFixture<RedisLedgerFixture>
{
    protected override IKeyRegister Open() => new RedisKeyRegister(redis.Connection, "tests");
}
