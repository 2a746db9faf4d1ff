using System.Security.Cryptography;
using System.Text.Json;

namespace ControlPlane.Certificates;

/// <summary>Clocks that differ and step back, and what the ledger's history says of each decision.</summary>
public sealed class ClockAndAuditTests
{
    private const string Identity = "web1.example.net";

    private readonly SteppingClock clock = new();
    private readonly InMemoryCertificateLedger ledger = new();
    private readonly ScriptedIssuer issuer = new("ca");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(-10)]
    [InlineData(0)]
    [InlineData(10)]
    public async Task IssueAsync_GivesACertificateThatIsValid_ByTheNodesClock(int minutes)
    {
        var issued = Assert.IsType<IssuanceOutcome.Issued>(await Open().IssueAsync(Order(1))).Certificate;

        var nodes = clock.GetUtcNow().AddMinutes(minutes);
        Assert.InRange(nodes, issued.NotBefore, issued.NotAfter);
    }

    [Fact]
    public async Task IssueAsync_GoesOn_WhenTheClockStepsBackAnHour()
    {
        var silo = Open();
        await silo.IssueAsync(Order(1));
        clock.Step(TimeSpan.FromHours(-1));

        var issued = Assert.IsType<IssuanceOutcome.Issued>(await silo.IssueAsync(Order(2))).Certificate;

        Assert.True(issued.NotBefore < clock.GetUtcNow() && clock.GetUtcNow() < issued.NotAfter);
        Assert.True(issued.NotAfter - issued.NotBefore > TimeSpan.Zero);
    }

    [Fact]
    public async Task History_IsInTheOrderOfItsSequence_WhenTheClockStepsBack()
    {
        for (var number = 1; number <= 5; number++)
        {
            await Open().IssueAsync(Order(number));
            clock.Step(TimeSpan.FromMinutes(-20));
        }

        var (records, head) = await ledger.ReadOutboxAsync("ca", ledger.Entries[0].Shard, 0, 100, Cancel);

        Assert.Equal(Enumerable.Range(1, 10).Select(number => (long)number), records.Select(record => record.Sequence));
        Assert.Empty(LedgerChain.Faults(records, 0, head, complete: true));
    }

    [Fact]
    public async Task History_HasARecordForEachDecision_WithTheHashesThatProveIt()
    {
        var silo = Open();
        var order = Order(1);
        var issued = Assert.IsType<IssuanceOutcome.Issued>(await silo.IssueAsync(order)).Certificate;
        Assert.IsType<IssuanceOutcome.Refused>(await silo.IssueAsync(Order(2) with { SigningRequestPem = "no request" }));
        issuer.AfterSigning = (_, _) => throw new IssuerOutcomeUnknownException("lost");
        Assert.IsType<IssuanceOutcome.Spent>(await silo.IssueAsync(Order(3)));
        await silo.CloseAsync(order.OrderId);
        await silo.SweepAsync();

        var (records, _) = await ledger.ReadOutboxAsync("ca", ledger.Entries[0].Shard, 0, 100, Cancel);
        var bodies = records.Select(record => JsonDocument.Parse(record.Body).RootElement).ToList();

        Assert.Equal(
            ["1 Intended", "1 Issued", "2 Refused", "3 Intended", "3 OutcomeUnknown", "1 RevocationDue", "1 Closed"],
            bodies.Select(body => $"{body.GetProperty("order").GetString()!.Split('/')[1]} {body.GetProperty("state").GetString()}"));
        var certified = bodies[1];
        Assert.Equal(Identity, certified.GetProperty("node").GetString());
        Assert.Equal("ca", certified.GetProperty("issuer").GetString());
        Assert.Equal(issued.SerialNumber, certified.GetProperty("serial").GetString());
        Assert.Equal(issued.PublicKeyFingerprint, certified.GetProperty("key").GetString());
        Assert.Equal(CertificateIssuanceGrain.DigestOf(order), certified.GetProperty("request").GetString());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(issued.Der())), certified.GetProperty("certificate").GetString());
        Assert.Equal("RequestMalformed", bodies[2].GetProperty("refusal").GetString());
        Assert.All(records, record => Assert.DoesNotContain("PRIVATE KEY", record.Body, StringComparison.Ordinal));
    }

    private IssuanceSilo Open() => new(ledger, new InMemoryKeyRegister(), clock, configure: null, issuer);

    private CertificateOrderRequest Order(int number) => new(
        $"{Identity}/{number}",
        Identity,
        "east",
        "node",
        SigningRequests.Elliptic(Identity),
        IssuancePriority.NewNode,
        clock.GetUtcNow().AddMinutes(1));

    /// <summary>A clock that is set by hand, back too; its timers are the machine's.</summary>
    private sealed class SteppingClock : TimeProvider
    {
        private DateTimeOffset now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

        public void Step(TimeSpan by) => now += by;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
