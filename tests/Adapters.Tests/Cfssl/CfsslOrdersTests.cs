using System.Collections.Concurrent;
using System.Globalization;
using ControlPlane.Adapters.Cfssl;
using ControlPlane.Adapters.Tests.Certificates;
using ControlPlane.Certificates;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Cfssl;

/// <summary>
/// Orders through gate and ledger to a real cfssl with a database that is killed, started again and frozen meanwhile. Short here;
/// <c>infra/soak-cfssl.sh</c> runs 5,000 orders and freezes it for 30 seconds.
/// </summary>
public sealed class CfsslOrdersTests
{
    private const int Workers = 64;
    private static readonly int Orders = Setting("CONTROLPLANE_SOAK_ORDERS", 300);
    private static readonly TimeSpan FreezeFor = TimeSpan.FromSeconds(Setting("CONTROLPLANE_SOAK_FREEZE_SECONDS", 6));
    private static readonly TimeSpan RetryPauseMax = TimeSpan.FromSeconds(1);
    private static readonly IssuerOptions Limits = new()
    {
        Timeout = TimeSpan.FromSeconds(3), StalledAfter = TimeSpan.FromSeconds(2), BreakFor = TimeSpan.FromSeconds(1),
    };

    private readonly ConcurrentDictionary<string, IssuedCertificate> certified = new(StringComparer.Ordinal);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task IssueAsync_CertifiesEachNodeOnce_WhenCfsslIsKilledAndFrozen()
    {
        await using var server = await CfsslServer.StartAsync(new CfsslServerSettings { Database = true }, Cancel);
        var options = CfsslWorld.OptionsFor(server);
        options.Revocation = CfsslRevocation.Database;
        using var issuer = CfsslWorld.Open(options);
        using var orders = new IssuerOrders(issuer, Limits);

        var ordering = Parallel.ForEachAsync(
            Enumerable.Range(1, Orders),
            new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = Cancel },
            async (number, token) => await CertifyAsync(orders, $"web{number}.example.net", token));
        await ReachedAsync(Orders / 5);
        await server.KillAsync();
        await server.RestartAsync(Cancel);
        await ReachedAsync(Orders / 2);
        server.Pause();
        await Task.Delay(FreezeFor, TimeProvider.System, Cancel);
        server.Continue();
        await ordering;

        AssertLedgerAndCaAgree(orders.Ledger, server);
    }

    // A node whose order is spent makes a new key and orders anew, as NodeGrain has it do.
    private async Task CertifyAsync(IssuerOrders orders, string identity, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var order = IssuerOrders.Order(identity, attempt);
            var outcome = await orders.IssueAsync(order);
            while (outcome is IssuanceOutcome.Deferred deferred)
            {
                var wait = deferred.RetryAt - TimeProvider.System.GetUtcNow();
                await Task.Delay(
                    wait < RetryPauseMax
                        ? TimeSpan.FromTicks(Math.Max(wait.Ticks, 1))
                        : RetryPauseMax, TimeProvider.System, cancellationToken);
                outcome = await orders.IssueAsync(order);
            }

            if (outcome is IssuanceOutcome.Issued issued)
            {
                Assert.True(certified.TryAdd(identity, issued.Certificate), $"{identity} was certified twice");
                return;
            }

            Assert.IsType<IssuanceOutcome.Spent>(outcome);
        }
    }

    private void AssertLedgerAndCaAgree(InMemoryCertificateLedger ledger, CfsslServer server)
    {
        var atCa = server.ReadIssued().Select(Convert.ToHexString).ToHashSet(StringComparer.Ordinal);
        var issued = ledger.Entries.Where(entry => entry.State == LedgerState.Issued).ToList();
        var suspects = ledger.Entries.Count(entry => entry.State == LedgerState.OutcomeUnknown);

        Assert.Equal(Orders, certified.Count);
        Assert.Equal(Orders, issued.Select(entry => entry.Identity).Distinct().Count());
        Assert.Equal(Orders, issued.Count);
        Assert.All(issued, entry => Assert.Contains(Convert.ToHexString(entry.Certificate!.Der()), atCa));

        // What the CA has and the ledger has not given out is what the ledger says may have been lost: no more than that.
        Assert.InRange(atCa.Count - issued.Count, 0, suspects);
        Assert.DoesNotContain(ledger.Entries, entry => entry.State is LedgerState.Intended or LedgerState.Refused);
    }

    private Task ReachedAsync(int count) => Readiness.UntilAsync(
        _ => Task.FromResult(certified.Count >= count), $"{count} certificates", Cancel, deadline: TimeSpan.FromMinutes(2));

    private static int Setting(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
