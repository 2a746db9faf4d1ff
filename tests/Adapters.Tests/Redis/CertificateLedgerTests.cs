using ControlPlane.Adapters.Redis;
using ControlPlane.Certificates;
using ControlPlane.Overlays;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Certificates;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Tests.Redis;

public sealed class InMemoryCertificateLedgerTests : CertificateLedgerContract
{
    protected override ICertificateLedger Ledger { get; } = new InMemoryCertificateLedger();
}

public sealed class RedisCertificateLedgerTests(LedgerRedis redis) : CertificateLedgerContract, IClassFixture<LedgerRedis>
{
    protected override ICertificateLedger Ledger { get; } =
        new RedisCertificateLedger(redis.Connection, Options.Create(new OverlaysOptions { Local = "eu-w-001" }));
}

/// <summary>One redis-server for the ledger's tests; each test has an issuer of its own.</summary>
public sealed class LedgerRedis : IAsyncLifetime
{
    private RedisServer? server;

    public IConnectionMultiplexer Connection { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        server = await RedisServer.StartAsync(TestContext.Current.CancellationToken);
        Connection = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        if (server is not null)
        {
            await server.DisposeAsync();
        }
    }
}
