using System.Collections.Concurrent;
using ControlPlane.Adapters.Cfssl;
using ControlPlane.Certificates;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Cfssl;

/// <summary>A real cfssl with a database that dies and freezes while orders are in flight.</summary>
public sealed class CfsslOutageTests
{
    private const int Orders = 150;
    private const int OrdersBeforeTheOutage = 30;
    private const int OrdersDuringTheOutage = 2 * Workers;
    private const int Workers = 12;
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<string, byte[]> certified = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource outage = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int unknown;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task IssueAsync_CertifiesAllAndAccountsForAll_WhenCfsslIsKilledAndStartedAgain()
    {
        await using var server = await CfsslServer.StartAsync(new CfsslServerSettings { Database = true }, Cancel);
        using var issuer = Open(server);

        var ordering = OrderAllAsync(issuer);
        await ReachedAsync(OrdersBeforeTheOutage);
        await server.KillAsync();
        outage.SetResult();
        await server.RestartAsync(Cancel);
        await ordering;

        AssertAccounted(server);
    }

    [Fact]
    public async Task IssueAsync_CertifiesAllAndAccountsForAll_WhenCfsslFreezes()
    {
        await using var server = await CfsslServer.StartAsync(new CfsslServerSettings { Database = true }, Cancel);
        using var issuer = Open(server);

        var ordering = OrderAllAsync(issuer);
        await ReachedAsync(OrdersBeforeTheOutage);
        server.Pause();
        outage.SetResult();
        await Readiness.UntilAsync(
            _ => Task.FromResult(unknown > 0), "an order that was on its way when cfssl froze has an unknown outcome", Cancel);
        server.Continue();
        await ordering;

        AssertAccounted(server);
    }

    private static CfsslIssuer Open(CfsslServer server)
    {
        var options = CfsslWorld.OptionsFor(server);
        options.Revocation = CfsslRevocation.Database;
        options.Timeout = AnswerWithin;
        return CfsslWorld.Open(options);
    }

    private Task OrderAllAsync(CfsslIssuer issuer) => Parallel.ForEachAsync(
        Enumerable.Range(1, Orders),
        new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = Cancel },
        async (number, token) =>
        {
            // The last ones wait for the outage: however fast the others were, there are orders on their way in it.
            await (number > Orders - OrdersDuringTheOutage ? outage.Task.WaitAsync(token) : Task.CompletedTask);
            await OrderAsync(issuer, $"web{number}.example.net", token);
        });

    private async Task OrderAsync(CfsslIssuer issuer, string identity, CancellationToken cancellationToken)
    {
        var order = CertificateOrders.For(
            identity,
            SigningRequests.Elliptic(identity),
            new CertificateProfile { Lifetime = TimeSpan.FromDays(7) },
            TimeProvider.System.GetUtcNow());
        while (true)
        {
            try
            {
                var signed = await issuer.IssueAsync(order, cancellationToken);
                Assert.True(certified.TryAdd(identity, signed.CertificateDer));
                return;
            }
            catch (IssuerOutcomeUnknownException)
            {
                Interlocked.Increment(ref unknown);
            }
            catch (IssuerUnavailableException)
            {
                await Task.Delay(RetryPause, TimeProvider.System, cancellationToken);
            }
        }
    }

    private Task ReachedAsync(int count) =>
        Readiness.UntilAsync(_ => Task.FromResult(certified.Count >= count), $"{count} certificates", Cancel);

    // What the CA has and we have not, must have been an unknown outcome: those are what the ledger reconciles and revokes.
    private void AssertAccounted(CfsslServer server)
    {
        var issued = server.ReadIssued().Select(Convert.ToHexString).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(Orders, certified.Count);
        Assert.All(certified.Values, der => Assert.Contains(Convert.ToHexString(der), issued));
        Assert.InRange(issued.Count - certified.Count, 0, unknown);
    }
}
