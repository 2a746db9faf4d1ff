using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Tests.Redis;

/// <summary>What every certificate ledger promises.</summary>
public abstract class CertificateLedgerContract
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    private readonly string issuer = $"issuer-{Guid.CreateVersion7()}";

    protected abstract ICertificateLedger Ledger { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadAsync_FindsNothing_WhereNothingWasWritten() => Assert.Null(await Ledger.ReadAsync(issuer, "web1/1", Token));

    [Fact]
    public async Task ReadAsync_ReturnsWhatWasWritten_ToTheLastField()
    {
        var certificate = new IssuedCertificate("web1/1", issuer, "0A1B", "pem", "chain", Now, Now.AddDays(30), "f00d");
        var written = await Ledger.TryWriteAsync(
            Entry("web1/1") with
            {
                State = LedgerState.RevocationDue,
                Certificate = certificate,
                RevocationReason = RevocationReason.Superseded,
                Detail = "a newer one arrived: \"<ü>\"",
            },
            Token);

        Assert.Equal(1, written?.Version);
        Assert.Equal(written, await Ledger.ReadAsync(issuer, "web1/1", Token));
    }

    [Fact]
    public async Task TryWriteAsync_Loses_WhenTheStoredVersionIsAnother()
    {
        var first = await Ledger.TryWriteAsync(Entry("web1/1"), Token);
        Assert.Null(await Ledger.TryWriteAsync(Entry("web1/1") with { Detail = "another" }, Token));

        var second = await Ledger.TryWriteAsync(first! with { State = LedgerState.Issued }, Token);
        Assert.Equal(2, second?.Version);
        Assert.Null(await Ledger.TryWriteAsync(first with { State = LedgerState.Refused }, Token));
        Assert.Equal(second, await Ledger.ReadAsync(issuer, "web1/1", Token));
    }

    [Fact]
    public async Task TryWriteAsync_LetsExactlyOneWin_OfManyAtOnce()
    {
        var first = await Ledger.TryWriteAsync(Entry("web1/1"), Token);
        var writes = await Task.WhenAll(Enumerable.Range(0, 50).Select(writer =>
            Ledger.TryWriteAsync(first! with { State = LedgerState.Issued, Detail = $"writer {writer}" }, Token)));

        var winner = Assert.Single(writes, write => write is not null);
        Assert.Equal(winner, await Ledger.ReadAsync(issuer, "web1/1", Token));
    }

    [Fact]
    public async Task ListAsync_ReturnsTheOrdersOfAState_OldestFirst()
    {
        var young = await Ledger.TryWriteAsync(Entry("young") with { CreatedAt = Now.AddMinutes(2) }, Token);
        await Ledger.TryWriteAsync(Entry("old") with { CreatedAt = Now }, Token);
        await Ledger.TryWriteAsync(Entry("middle") with { CreatedAt = Now.AddMinutes(1) }, Token);
        await Ledger.TryWriteAsync(Entry("elsewhere") with { Issuer = $"{issuer}-2" }, Token);

        Assert.Equal(["old", "middle"], await Ids(LedgerState.Intended, 2));

        await Ledger.TryWriteAsync(young! with { State = LedgerState.Issued }, Token);
        Assert.Equal(["old", "middle"], await Ids(LedgerState.Intended, 10));
        Assert.Equal(["young"], await Ids(LedgerState.Issued, 10));
    }

    [Fact]
    public async Task ScanAsync_YieldsEveryOrder_OfTheIssuerOnce()
    {
        const int orders = 1200;
        await Task.WhenAll(Enumerable.Range(0, orders).Select(number =>
            Ledger.TryWriteAsync(Entry($"web{number}/1") with { State = (LedgerState)((number % 6) + 1) }, Token)));

        var found = new HashSet<string>();
        await foreach (var entry in Ledger.ScanAsync(issuer, Token))
        {
            Assert.True(found.Add(entry.OrderId));
        }

        Assert.Equal(orders, found.Count);
    }

    private async Task<IEnumerable<string>> Ids(LedgerState state, int limit) =>
        (await Ledger.ListAsync(issuer, state, limit, Token)).Select(entry => entry.OrderId);

    private LedgerEntry Entry(string orderId) => new(
        issuer, orderId, "web1.example.net", LedgerState.Intended, "digest", Now, Certificate: null, RevocationReason: null, Detail: null, Version: 0);
}
