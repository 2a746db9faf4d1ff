using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Certificates;

/// <summary>A CA that is set up wrongly makes one certificate to revoke, not one for each node (issue 12, 19).</summary>
public sealed class ProfileTrialsTests : IDisposable
{
    private const string Identity = "web1.example.net";

    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 29, 0, 0, 0, TimeSpan.Zero));
    private readonly ScriptedIssuer alone = new("alone");
    private readonly IssuanceSilo silo;
    private readonly string request = SigningRequests.Choria(Identity);

    public ProfileTrialsTests() => silo = new IssuanceSilo(
        new InMemoryCertificateLedger(), new InMemoryKeyRegister(), time, options => options.SharedKeys = true, alone);

    public void Dispose() => silo.Dispose();

    [Fact]
    public async Task IssueAsync_TriesOneOrder_AndAfterAWrongCertificateOneAnHour()
    {
        alone.Falsify = order => order with { NotAfter = order.NotAfter.AddDays(-2) };

        for (var hour = 1; hour <= 3; hour++)
        {
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 40).Select(one => silo.IssueAsync(Order($"{hour}-{one}"))));

            Assert.All(outcomes, outcome => Assert.IsType<IssuanceOutcome.Deferred>(outcome));
            Assert.Equal(hour, alone.Calls);
            time.Advance(TimeSpan.FromMinutes(59));
            var aside = Assert.IsType<IssuanceOutcome.Deferred>(await silo.IssueAsync(Order($"{hour}-0")));
            Assert.Contains("left aside for the profile 'node'", aside.Reason, StringComparison.Ordinal);
            time.SetUtcNow(aside.RetryAt);
        }

        alone.Falsify = null;
        var right = await Task.WhenAll(Enumerable.Range(0, 40).Select(one => silo.IssueAsync(Order($"4-{one}"))));
        Assert.All(right, outcome => Assert.IsType<IssuanceOutcome.Issued>(outcome));
        await silo.SweepAsync();
        Assert.Equal(3, alone.Revoked.Count);
    }

    [Fact]
    public async Task IssueAsync_TriesTheNextOrder_WhenTheFirstWasNotSigned()
    {
        var failures = 2;
        alone.BeforeSigning = (_, _) => failures-- > 0 ? throw new IssuerUnavailableException("away") : Task.CompletedTask;

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(one => silo.IssueAsync(Order($"{one}"))));

        Assert.Equal(18, outcomes.OfType<IssuanceOutcome.Issued>().Count());
        Assert.Equal(20, alone.Calls);
    }

    [Fact]
    public async Task IssueAsync_HasNothingSigned_WhileTheChainIsAway()
    {
        alone.Chain = () => throw new IssuerUnavailableException("no answer");

        var deferred = Assert.IsType<IssuanceOutcome.Deferred>(await silo.IssueAsync(Order("1")));

        Assert.Equal(("no answer", 0), (deferred.Reason, alone.Calls));
        alone.Chain = null;
        time.SetUtcNow(deferred.RetryAt);
        Assert.IsType<IssuanceOutcome.Issued>(await silo.IssueAsync(Order("1")));
    }

    private CertificateOrderRequest Order(string number) =>
        new($"{Identity}/{number}", Identity, "east", "node", request, IssuancePriority.NewNode, time.GetUtcNow().AddSeconds(90));
}
