using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Redis;
using ControlPlane.Adapters.Tests.Fleet;
using ControlPlane.Certificates;
using ControlPlane.Store;
using ControlPlane.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Serialization;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Tests.Store;

/// <summary>The history of the certificate ledger from a real redis-server to a real nats-server.</summary>
public sealed class LedgerHistoryTests
{
    private const string Issuer = "ca 1";

    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();
    private static readonly int Shard = Entry("0").Shard;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Chain_HoldsOverBoth_WhateverHappensToTheBroker()
    {
        await using var redis = await RedisServer.StartAsync(Cancel);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        await using var broker = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancel);
        await using var parts = new FleetParts(overlay: broker.Url);
        await using var services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        using var stored = new StoredMessages(services.GetRequiredService<Serializer>(), NullLogger<StoredMessages>.Instance);
        var ledger = new RedisCertificateLedger(connection, "tests", stored, TimeProvider.System);
        var history = new LedgerLog(
            ledger, new OverlayLog(parts.Streams, Logs.Certificates), TimeProvider.System, NullLogger<LedgerLog>.Instance);
        await WriteAsync(ledger, 0, 50);
        Assert.Equal(50, (await history.PublishAsync(Issuer, Shard, Cancel)).Sequence);

        // Killed between publishing and trimming: it is published again.
        await history.PublishAsync(Issuer, Shard, Cancel);
        await ledger.TrimOutboxAsync(Issuer, Shard, 40, Cancel);
        await AssertWholeAsync(history, 50);

        // Orders go on without the log.
        await broker.KillAsync();
        await WriteAsync(ledger, 50, 50);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => history.PublishAsync(Issuer, Shard, Cancel));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => AssertWholeAsync(history, 100));

        await broker.RestartAsync(Cancel);
        await Readiness.UntilAsync(_ => PublishesAsync(history), "the log", Cancel);
        await ledger.TrimOutboxAsync(Issuer, Shard, 100, Cancel);
        await AssertWholeAsync(history, 100);
        Assert.Equal(0, await connection.GetDatabase().StreamLengthAsync($"certificates:{{tests/ca%201}}:history:{Shard}"));

        var (page, _) = await history.ReadAsync(Issuer, Shard, 73, 10, Cancel);
        Assert.Equal(Enumerable.Range(74, 10).Select(number => (long)number), page.Select(record => record.Sequence));
    }

    private static async Task AssertWholeAsync(LedgerLog history, int count)
    {
        var (records, head) = await history.ReadAsync(Issuer, Shard, 0, 1_000, Cancel);
        Assert.Equal(count, records.Count);
        Assert.Empty(LedgerChain.Faults(records, 0, head, complete: true));
    }

    private static async Task<bool> PublishesAsync(LedgerLog history)
    {
        try
        {
            return (await history.PublishAsync(Issuer, Shard, Cancel)).Sequence == 100;
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }

    private static async Task WriteAsync(RedisCertificateLedger ledger, int from, int count)
    {
        for (var number = from; number < from + count; number++)
        {
            Assert.NotNull(await ledger.TryWriteAsync(Entry($"{number}"), Cancel));
        }
    }

    private static LedgerEntry Entry(string orderId) =>
        new(Issuer, orderId, "web1", LedgerState.Intended, "digest", Now, null, null, null, Version: 0);
}
