using ControlPlane.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Certificates;

/// <summary>Whose fault it is that an order comes to nothing: the order's own, or the CA's.</summary>
public sealed class BlameTests
{
    private const string Identity = "web1.example.net";
    private readonly InMemoryCertificateLedger ledger = new();
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero));
    private readonly ScriptedIssuer first = new("first");
    private readonly Dictionary<string, string> requests = new(StringComparer.Ordinal);

    [Fact]
    public async Task IssueAsync_Refuses_WhenTheCaRefusesThisOrderAgainAndAgain_AndSignsForOthers()
    {
        first.BeforeSigning = (order, _) =>
            order.Subject.CommonName == Identity ? throw new IssuerRefusedException("not in my domain") : Task.CompletedTask;
        var silo = Silo(first);

        for (var others = 1; others <= 3; others++)
        {
            Assert.IsType<IssuanceOutcome.Deferred>(await silo.IssueAsync(OrderOf(Identity)));
            await silo.IssueAsync(OrderOf($"other{others}.example.net"));
        }

        var outcome = await silo.IssueAsync(OrderOf(Identity));

        Assert.Equal(new IssuanceOutcome.Refused(Refusal.IssuerRefused, "not in my domain"), outcome);
        Assert.Equal(outcome, await silo.IssueAsync(OrderOf(Identity)));
    }

    [Fact]
    public async Task IssueAsync_GoesToTheNextIssuer_WhenTheFirstRefuses()
    {
        first.BeforeSigning = (_, _) => throw new IssuerRefusedException("not in my domain");
        var silo = Silo(first, new ScriptedIssuer("second"));

        Assert.Equal("second", Assert.IsType<IssuanceOutcome.Issued>(await silo.IssueAsync(OrderOf(Identity))).Certificate.Issuer);
    }

    [Fact]
    public async Task IssueAsync_LeavesACaAlone_ThatRefusesEverybody_AndComesBackWhenItSigns()
    {
        first.BeforeSigning = (_, _) => throw new IssuerRefusedException("not in my domain");
        var silo = Silo(first);
        for (var node = 1; node <= 8; node++)
        {
            Assert.IsType<IssuanceOutcome.Deferred>(await silo.IssueAsync(OrderOf($"node{node}.example.net")));
        }

        Assert.Equal(5, first.Calls);
        Assert.NotNull(await silo.FindObstacleAsync());

        first.BeforeSigning = null;
        time.Advance(TimeSpan.FromSeconds(30));
        for (var node = 8; node >= 1; node--)
        {
            Assert.IsType<IssuanceOutcome.Issued>(await silo.IssueAsync(OrderOf($"node{node}.example.net")));
        }
    }

    [Fact]
    public async Task IssueAsync_DoesNotLeaveACaAlone_ThatRefusesOneNodeOnly()
    {
        first.BeforeSigning = (_, _) => throw new IssuerRefusedException("not in my domain");
        var silo = Silo(first);
        for (var again = 0; again < 20; again++)
        {
            Assert.IsType<IssuanceOutcome.Deferred>(await silo.IssueAsync(OrderOf(Identity)));
            time.Advance(TimeSpan.FromSeconds(30));
        }

        Assert.Null(await silo.FindObstacleAsync());
        Assert.Equal(20, first.Calls);
    }

    [Fact]
    public async Task IssueAsync_SpendsOneOrder_WhileACaWithoutMemoryLosesAnswers_AndSaysThatItIsSick()
    {
        first.BeforeSigning = (_, _) => throw new IssuerOutcomeUnknownException("502 Bad Gateway");
        first.Health = () => new IssuerHealth(false, "502 Bad Gateway");
        var silo = Silo(first);

        Assert.IsType<IssuanceOutcome.Spent>(await silo.IssueAsync(OrderOf("node1.example.net")));
        for (var node = 2; node <= 8; node++)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            Assert.IsType<IssuanceOutcome.Deferred>(await silo.IssueAsync(OrderOf($"node{node}.example.net")));
        }

        Assert.Equal(1, first.Calls);
    }

    private IssuanceSilo Silo(params ScriptedIssuer[] issuers) => new(ledger, time, configure: null, issuers);

    /// <summary>The first order of a node, the same each time.</summary>
    private CertificateOrderRequest OrderOf(string node)
    {
        requests.TryAdd(node, SigningRequests.Elliptic(node));
        return new($"{node}/1", node, "east", "node", requests[node], IssuancePriority.NewNode, time.GetUtcNow().AddSeconds(90));
    }
}
