using ControlPlane.Store;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Certificates;

/// <summary>The way of a ledger's history: outbox, log, and both read as one chain.</summary>
public sealed class LedgerLogTests
{
    private const string Issuer = "ca";

    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly int Shard = Entry(0).Shard;

    private readonly InMemoryCertificateLedger ledger = new();
    private readonly MemoryLog log = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadAsync_IsOneChain_OverWhatIsPublishedAndWhatWaits()
    {
        await WriteAsync(20);
        var published = await PublishAsync();
        await ledger.TrimOutboxAsync(Issuer, Shard, through: 15, Cancel);
        await WriteAsync(5);

        Assert.Equal(20, published.Sequence);
        Assert.Equal(20, log.Records.Count);
        await AssertWholeAsync(25);
        foreach (var after in new[] { 0, 1, 10, 14, 15, 16, 19, 20, 21, 25 })
        {
            var (records, head) = await Open().ReadAsync(Issuer, Shard, after, 7, Cancel);
            Assert.Equal(
                Enumerable.Range(after + 1, Math.Min(7, 25 - after)).Select(number => (long)number), records.Select(one => one.Sequence));
            Assert.Empty(LedgerChain.Faults(records, after, head, complete: records.Count < 7));
        }
    }

    [Fact]
    public async Task ReadAsync_FindsItsPlace_AmongOtherShards()
    {
        for (var number = 0; number < 40; number++)
        {
            await WriteAsync(1);
            await log.AppendAsync(new LogRecord("ca/other", null, "{}"u8.ToArray()), null, Cancel);
            await PublishAsync();
        }

        await ledger.TrimOutboxAsync(Issuer, Shard, through: 40, Cancel);

        for (var after = 0; after < 40; after++)
        {
            var (records, _) = await Open().ReadAsync(Issuer, Shard, after, 1, Cancel);
            Assert.Equal(after + 1, Assert.Single(records).Sequence);
        }
    }

    [Fact]
    public async Task PublishAsync_StoresOnce_WhenItIsKilledBeforeTheTrim()
    {
        await WriteAsync(10);
        await PublishAsync();
        await PublishAsync();

        Assert.Equal(10, log.Records.Count);

        await WriteAsync(5);
        log.AfterAppend = record => throw new StoreUnavailableException("the answer is lost");
        for (var tries = 0; tries < 5; tries++)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(PublishAsync);
        }

        log.AfterAppend = null;
        await PublishAsync();
        Assert.Equal(15, log.Records.Count);
        await ledger.TrimOutboxAsync(Issuer, Shard, through: 15, Cancel);
        await AssertWholeAsync(15);
    }

    [Fact]
    public async Task PublishAsync_StoresOnceAndInOrder_WhenTwoSilosDoIt()
    {
        for (var round = 0; round < 10; round++)
        {
            await WriteAsync(10);
            await Task.WhenAll(TryAsync(), TryAsync(), TryAsync());
        }

        await PublishAsync();
        Assert.Equal(100, log.Records.Count);
        await ledger.TrimOutboxAsync(Issuer, Shard, through: 100, Cancel);
        await AssertWholeAsync(100);

        async Task TryAsync()
        {
            try
            {
                await Task.Run(PublishAsync, Cancel);
            }
            catch (StoreConflictException)
            {
                // The other one was first.
            }
        }
    }

    [Fact]
    public async Task Writes_GoOn_WhileTheLogIsAway_AndAreReadFromTheOutbox()
    {
        log.BeforeAnswer = () => throw new StoreUnavailableException("away");
        await WriteAsync(10);

        await Assert.ThrowsAsync<StoreUnavailableException>(PublishAsync);
        await AssertWholeAsync(10);

        log.BeforeAnswer = null;
        await PublishAsync();
        await ledger.TrimOutboxAsync(Issuer, Shard, through: 10, Cancel);
        log.BeforeAnswer = () => throw new StoreUnavailableException("away");
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => AssertWholeAsync(10));
    }

    [Fact]
    public async Task PublishAsync_GivesTheLogAgain_WhatItsBrokersLostWithTheirPower()
    {
        await WriteAsync(20);
        await PublishAsync();
        await ledger.TrimOutboxAsync(Issuer, Shard, through: 5, Cancel);
        log.LoseEnd(10);
        await WriteAsync(5);

        await PublishAsync();

        Assert.Equal(25, log.Records.Count);
        await ledger.TrimOutboxAsync(Issuer, Shard, through: 25, Cancel);
        await AssertWholeAsync(25);
    }

    [Fact]
    public async Task PublishAsync_LosesNothing_AndTheChainShowsIt_WhenTheLedgerLostItsEnd()
    {
        await WriteAsync(20);
        await PublishAsync();
        ledger.LoseEnd(Issuer, Shard, 5);
        await PublishAsync();
        Assert.Equal(20, log.Records.Count);

        await WriteAsync(3);
        await PublishAsync();
        await PublishAsync();

        Assert.Equal(23, log.Records.Count);
        await ledger.TrimOutboxAsync(Issuer, Shard, through: 18, Cancel);
        var (records, head) = await Open().ReadAsync(Issuer, Shard, 0, 1_000, Cancel);
        Assert.Equal(23, records.Count);
        Assert.NotEmpty(LedgerChain.Faults(records, 0, head, complete: true));
    }

    [Fact]
    public async Task ReadAsync_ShowsWhatWasChangedInTheLog()
    {
        await WriteAsync(10);
        await PublishAsync();
        await ledger.TrimOutboxAsync(Issuer, Shard, through: 10, Cancel);
        log.Change(4, record => record with { Content = "{}"u8.ToArray() });

        var (records, head) = await Open().ReadAsync(Issuer, Shard, 0, 1_000, Cancel);

        Assert.Contains("the records between 3 and 5 are missing", LedgerChain.Faults(records, 0, head, complete: true));
    }

    [Fact]
    public async Task PublishAsync_FindsWhatIsMissing_BehindMoreThanOnePageThatIsThere()
    {
        await WriteAsync(1_300);
        await PublishAsync();
        Assert.Equal(1_300, log.Records.Count);
        ledger.LoseEnd(Issuer, Shard, 5);
        await WriteAsync(2);

        await PublishAsync();

        Assert.Equal(1_302, log.Records.Count);
    }

    [Fact]
    public async Task Shard_KeepsInItsOutbox_WhatABrokerMayStillLose()
    {
        var time = new FakeTimeProvider(Now);
        var shard = new ShardPublication(ledger, Open(), Issuer, Shard, time);
        await WriteAsync(10);
        Assert.Equal(10, await RoundAsync(shard));
        await WriteAsync(5);
        Assert.Equal(5, await RoundAsync(shard));
        time.Advance(ShardPublication.Settling - TimeSpan.FromSeconds(1));
        Assert.Equal(0, await RoundAsync(shard));
        Assert.Equal(15, await WaitingAsync());

        // Its power fails meanwhile: what it lost is published again before anything is taken out.
        log.LoseEnd(12);
        time.Advance(TimeSpan.FromSeconds(1));
        await RoundAsync(shard);
        Assert.Equal((15, 5), (log.Records.Count, await WaitingAsync()));

        time.Advance(ShardPublication.Settling);
        await RoundAsync(shard);
        Assert.Equal(0, await WaitingAsync());
        await AssertWholeAsync(15);
    }

    private static async Task<long> RoundAsync(ShardPublication shard)
    {
        var waiting = await shard.CountAsync(Cancel);
        await shard.PublishAsync(Cancel);
        return waiting;
    }

    private async Task<int> WaitingAsync() => (await ledger.ReadOutboxAsync(Issuer, Shard, 0, 1_000, Cancel)).Records.Count;

    private async Task AssertWholeAsync(int count)
    {
        var (records, head) = await Open().ReadAsync(Issuer, Shard, 0, 1_000, Cancel);
        Assert.Equal(count, records.Count);
        Assert.Empty(LedgerChain.Faults(records, 0, head, complete: true));
    }

    private Task<LedgerHead> PublishAsync() => Open().PublishAsync(Issuer, Shard, Cancel);

    private LedgerLog Open() => new(ledger, log, TimeProvider.System, NullLogger<LedgerLog>.Instance);

    private async Task WriteAsync(int count)
    {
        var from = ledger.Writes.Count;
        for (var number = from; number < from + count; number++)
        {
            await ledger.TryWriteAsync(Entry(number), Cancel);
        }
    }

    private static LedgerEntry Entry(int number) => new(
        Issuer, $"web1/{number}", "web1", LedgerState.Intended, "digest", Now, null, null, null, Version: 0);
}
