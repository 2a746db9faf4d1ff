using ControlPlane.Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Serialization;
using StackExchange.Redis;

namespace ControlPlane.Chaos;

/// <summary>The certificate ledger, read past the silo that wrote it.</summary>
internal static class LedgerView
{
    private const string Issuer = "local";

    public static async Task<IReadOnlyList<LedgerEntry>> ReadAsync(string redis, string overlay, CancellationToken cancellationToken)
    {
        var registration = new Registration();
        registration.Services.Configure<ClusterOptions>(options => options.ServiceId = overlay);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis);
        registration.Services.AddSingleton<IConnectionMultiplexer>(connection);
        registration.Services.AddLogging().AddSerializer();
        registration.AddRedisLedger();
        await using var services = registration.Services.BuildServiceProvider();

        var entries = new List<LedgerEntry>();
        await foreach (var entry in services.GetRequiredService<ICertificateLedger>().ScanAsync(Issuer, cancellationToken))
        {
            entries.Add(entry);
        }

        return entries;
    }

    private sealed class Registration : ISiloBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();

        public IConfiguration Configuration { get; } = new ConfigurationBuilder().Build();
    }
}
