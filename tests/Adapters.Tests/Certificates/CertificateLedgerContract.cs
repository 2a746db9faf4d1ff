using ControlPlane.Certificates;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Tests.Certificates;

/// <summary>What every ledger promises.</summary>
public abstract class CertificateLedgerContract
{
    private static readonly DateTimeOffset Epoch = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);
    private static int lastIssuer;

    private readonly string issuer = $"ca {{{Interlocked.Increment(ref lastIssuer)}}}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Opens the ledger; called twice, it is the same ledger.</summary>
    protected abstract ICertificateLedger Open();

    [Fact]
    public async Task ReadAsync_IsNull_WhenNothingWasWritten() => Assert.Null(await Open().ReadAsync(issuer, "web1/1", Cancel));

    [Fact]
    public async Task ReadAsync_GivesWhatWasWritten_WithItsVersion()
    {
        var full = Entry("web1.example.net/1") with
        {
            State = LedgerState.RevocationDue,
            Certificate = new IssuedCertificate("web1/1", "other", "0AFF", "pem", "chain\npem\n", Epoch, Epoch.AddDays(7), "f00d"),
            RevocationReason = RevocationReason.KeyCompromise,
            Detail = "why: ü \" \\ {}",
            AskedIssuer = "other",
            OrderedAt = Epoch.AddSeconds(1),
            AttemptUntil = Epoch.AddSeconds(2),
            Refusal = Refusal.KeyUnacceptable,
            Request = new CertificateOrderRequest("web1/1", "web1", "east", "node", "pem", IssuancePriority.Broker, Epoch),
            RevocationDueAt = Epoch.AddSeconds(3),
        };

        var written = await Open().TryWriteAsync(full, Cancel);

        Assert.Equal(full with { Version = 1 }, written);
        Assert.Equal(written, await Open().ReadAsync(issuer, full.OrderId, Cancel));
    }

    [Fact]
    public async Task TryWriteAsync_LetsOneWin_WhenManyWriteAtOnce()
    {
        var ledger = Open();
        for (var version = 0; version < 5; version++)
        {
            var current = Entry("web1/1") with { Version = version };
            var writers = Enumerable.Range(0, 32).Select(number => ledger.TryWriteAsync(current with { Detail = $"{number}" }, Cancel));

            var won = Assert.Single((await Task.WhenAll(writers)).OfType<LedgerEntry>());

            Assert.Equal(version + 1, won.Version);
            Assert.Equal(won, await ledger.ReadAsync(issuer, "web1/1", Cancel));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task TryWriteAsync_WritesNothing_WhenTheVersionIsAnother(long version)
    {
        var ledger = Open();
        var written = await ledger.TryWriteAsync(Entry("web1/1"), Cancel);

        Assert.Null(await ledger.TryWriteAsync(Entry("web1/1") with { Version = version, Detail = "late" }, Cancel));

        Assert.Equal(written, await ledger.ReadAsync(issuer, "web1/1", Cancel));
    }

    [Fact]
    public async Task ListAsync_GivesTheOldestOfAState_InOrder()
    {
        var ledger = Open();
        foreach (var age in new[] { 3, 1, 2, 5, 4 })
        {
            var entry = Entry($"web{age}/1") with { State = LedgerState.RevocationDue, CreatedAt = Epoch.AddHours(-age) };
            await ledger.TryWriteAsync(entry, Cancel);
        }

        await ledger.TryWriteAsync(Entry("web9/1") with { State = LedgerState.Issued, CreatedAt = Epoch.AddHours(-9) }, Cancel);
        await ledger.TryWriteAsync(
            Entry("web8/1") with { State = LedgerState.RevocationDue, CreatedAt = Epoch.AddHours(-8), RevocationDueAt = Epoch }, Cancel);

        var oldest = await ledger.ListAsync(issuer, LedgerState.RevocationDue, null, 3, Cancel);
        var all = await ledger.ListAsync(issuer, LedgerState.RevocationDue, null, 100, Cancel);

        Assert.Equal(["web5/1", "web4/1", "web3/1"], oldest.Select(entry => entry.OrderId));
        Assert.Equal("web8/1", all[^1].OrderId);
    }

    [Fact]
    public async Task ListAsync_FollowsAnOrder_FromStateToState()
    {
        var ledger = Open();
        var entry = Entry("web1/1");
        foreach (var state in Enum.GetValues<LedgerState>())
        {
            entry = (await ledger.TryWriteAsync(entry with { State = state }, Cancel))!;

            foreach (var other in Enum.GetValues<LedgerState>())
            {
                Assert.Equal(state == other ? 1 : 0, (await ledger.ListAsync(issuer, other, null, 10, Cancel)).Count);
            }

            var counts = await ledger.CountAsync(issuer, Cancel);
            Assert.Equal(1, counts[state]);
            Assert.Equal(1, counts.Values.Sum());
        }
    }

    [Fact]
    public async Task ListAsync_GivesEveryOrderOnce_PageByPage()
    {
        var ledger = Open();
        for (var number = 0; number < 50; number++)
        {
            // Many of one instant: their names tell where a page ended.
            await ledger.TryWriteAsync(Entry($"web{number}/1") with { CreatedAt = Epoch.AddSeconds(number / 10) }, Cancel);
        }

        var listed = new List<LedgerEntry>();
        while (await ledger.ListAsync(issuer, LedgerState.Intended, listed.LastOrDefault()?.Position, 7, Cancel) is { Count: > 0 } page)
        {
            listed.AddRange(page);
        }

        Assert.Equal(50, listed.Select(entry => entry.OrderId).Distinct().Count());
        Assert.Equal(50, listed.Count);
    }

    [Fact]
    public async Task ListOfNodeAsync_GivesTheOrdersOfOneNode_NewestFirst()
    {
        var ledger = Open();
        foreach (var number in new[] { 2, 1, 3 })
        {
            var entry = Entry($"web1/{number}") with { CreatedAt = Epoch.AddHours(number) };
            await ledger.TryWriteAsync((await ledger.TryWriteAsync(entry, Cancel))! with { State = LedgerState.Issued }, Cancel);
        }

        await ledger.TryWriteAsync(Entry("web2/1") with { Identity = "web2" }, Cancel);

        var orders = await ledger.ListOfNodeAsync(issuer, "web1", 2, Cancel);

        Assert.Equal(["web1/3", "web1/2"], orders.Select(entry => entry.OrderId));
        Assert.Empty(await ledger.ListOfNodeAsync(issuer, "web9", 10, Cancel));
    }

    [Fact]
    public async Task FindAsync_FindsTheOrder_ByIssuerAndSerialNumber()
    {
        var ledger = Open();
        var intended = (await ledger.TryWriteAsync(Entry("web1/1"), Cancel))!;
        var certificate = new IssuedCertificate("web1/1", "signer", "0A1B", "pem", "chain", Epoch, Epoch.AddDays(1), "f00d");
        var issued = await ledger.TryWriteAsync(intended with { State = LedgerState.Issued, Certificate = certificate }, Cancel);

        Assert.Equal(issued, await ledger.FindAsync(issuer, "signer", "0A1B", Cancel));
        Assert.Null(await ledger.FindAsync(issuer, "signer", "0A1C", Cancel));
        Assert.Null(await ledger.FindAsync(issuer, "another", "0A1B", Cancel));
    }

    [Fact]
    public async Task ReadOutboxAsync_HasARecordForEachWrite_InAnUnbrokenChain_UntilItIsTrimmed()
    {
        // Two ledgers over one store, as two silos have them: each must find out what the other wrote.
        var ledgers = new[] { Open(), Open() };
        var writes = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 40), Cancel, async (number, token) =>
        {
            var entry = Entry($"web1/{number}");
            foreach (var state in new[] { LedgerState.Intended, LedgerState.Issued, LedgerState.RevocationDue, LedgerState.Closed })
            {
                entry = (await ledgers[number % 2].TryWriteAsync(entry with { State = state }, token))!;
                Interlocked.Increment(ref writes);
                Assert.Null(await ledgers[1].TryWriteAsync(entry with { Version = 99 }, token));
            }
        });

        var (records, head) = await ledgers[0].ReadOutboxAsync(issuer, Entry("web1/1").Shard, 0, 1000, Cancel);
        var (rest, _) = await ledgers[1].ReadOutboxAsync(issuer, Entry("web1/1").Shard, 100, 50, Cancel);

        Assert.Equal(writes, records.Count);
        Assert.Empty(LedgerChain.Faults(records, 0, head, complete: true));
        Assert.Equal(Enumerable.Range(101, 50).Select(sequence => (long)sequence), rest.Select(record => record.Sequence));

        for (var times = 0; times < 2; times++)
        {
            await ledgers[1].TrimOutboxAsync(issuer, Entry("web1/1").Shard, 70, Cancel);
            var (left, same) = await ledgers[0].ReadOutboxAsync(issuer, Entry("web1/1").Shard, 0, 1000, Cancel);
            Assert.Equal(records.Skip(70), left);
            Assert.Equal(head, same);
        }

        await ledgers[1].TrimOutboxAsync(issuer, Entry("web1/1").Shard, 1000, Cancel);
        await ledgers[1].TryWriteAsync(Entry("web1/last"), Cancel);
        var (after, _) = await ledgers[0].ReadOutboxAsync(issuer, Entry("web1/1").Shard, 0, 1000, Cancel);
        Assert.True(LedgerChain.Follows(Assert.Single(after), head));
    }

    [Fact]
    public async Task ScanAsync_GivesEveryOrderOfOneIssuer()
    {
        var ledger = Open();
        var written = new List<string>();
        for (var number = 0; number < 600; number++)
        {
            var entry = Entry($"web{number}/1") with { State = (LedgerState)((number % 6) + 1) };
            written.Add((await ledger.TryWriteAsync(entry, Cancel))!.OrderId);
        }

        await ledger.TryWriteAsync(Entry("web1/1") with { Issuer = issuer + "x" }, Cancel);

        var scanned = await ledger.ScanAsync(issuer, Cancel).Select(entry => entry.OrderId).ToListAsync(Cancel);

        Assert.Equal(written.Order(StringComparer.Ordinal), scanned.Order(StringComparer.Ordinal));
    }

    private LedgerEntry Entry(string orderId) =>
        new(issuer, orderId, "web1", LedgerState.Intended, "digest", Epoch, null, null, null, Version: 0);
}

public sealed class InMemoryCertificateLedgerTests : CertificateLedgerContract
{
    private readonly InMemoryCertificateLedger ledger = new();

    protected override ICertificateLedger Open() => ledger;
}

/// <summary>What every register of keys promises.</summary>
public abstract class KeyRegisterContract
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract IKeyRegister Open();

    [Fact]
    public async Task ClaimAsync_GivesAKeyToOneNode()
    {
        var claims = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => Open().ClaimAsync("shared", $"web{number}", Cancel)));

        Assert.Single(claims, claim => claim == KeyClaim.Held);
        Assert.Equal(19, claims.Count(claim => claim == KeyClaim.OfAnotherNode));
    }

    [Fact]
    public async Task ClaimAsync_IsRepeatable_UntilTheKeyIsRevoked()
    {
        Assert.Equal(KeyClaim.Held, await Open().ClaimAsync("own", "web1", Cancel));
        Assert.Equal(KeyClaim.Held, await Open().ClaimAsync("own", "web1", Cancel));

        await Open().RevokeAsync("own", Cancel);

        Assert.Equal(KeyClaim.Revoked, await Open().ClaimAsync("own", "web1", Cancel));
        Assert.Equal(KeyClaim.Revoked, await Open().ClaimAsync("own", "web2", Cancel));
    }
}

public sealed class InMemoryKeyRegisterTests : KeyRegisterContract
{
    private readonly InMemoryKeyRegister register = new();

    protected override IKeyRegister Open() => register;
}
