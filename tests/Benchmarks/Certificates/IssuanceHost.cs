using System.Net;
using ControlPlane.Certificates;
using ControlPlane.Store;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using StackExchange.Redis;

namespace ControlPlane.Benchmarks.Certificates;

/// <summary>A silo that does nothing but issue, over an embedded CA and a ledger in memory.</summary>
internal sealed class IssuanceHost : IAsyncDisposable
{
    private const string Issuer = "local";
    private readonly IHost host;
    private readonly string folder;
    private readonly IGrainFactory grains;

    private IssuanceHost(IHost host, string folder)
    {
        this.host = host;
        this.folder = folder;
        grains = host.Services.GetRequiredService<IGrainFactory>();
    }

    /// <param name="keyKind">Of the CA's keys.</param>
    /// <param name="redis">Where the ledger is; null for one in memory.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<IssuanceHost> StartAsync(string keyKind, string? redis, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("controlplane-bench-").FullName;
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Certificates:Profiles:node:Issuers:0"] = Issuer,
            ["Certificates:SharedKeys"] = "true",
            [$"LocalCa:{Issuer}:DataFolder"] = folder,
            [$"LocalCa:{Issuer}:KeyKind"] = keyKind,
        });
        if (redis is null)
        {
            builder.Services.AddSingleton<ICertificateLedger, InMemoryCertificateLedger>();
            builder.Services.AddSingleton<IKeyRegister, InMemoryKeyRegister>();
        }
        else
        {
            builder.Services.AddSingleton<IConnectionMultiplexer>(await ConnectionMultiplexer.ConnectAsync(redis));
        }

        builder.Services.AddKeyedSingleton<ILog>(Logs.Certificates, new MemoryLog());
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(LoopbackPort.Free(), LoopbackPort.Free());
            silo.Configure<EndpointOptions>(endpoint => endpoint.AdvertisedIPAddress = IPAddress.Loopback);
            silo.AddLocalCa().AddCertificates();
            if (redis is not null)
            {
                silo.AddRedisLedger();
            }
        });
        var host = builder.Build();
        await host.StartAsync(cancellationToken);
        return new IssuanceHost(host, folder);
    }

    /// <summary>One order, from the call to the certificate.</summary>
    public async Task OrderAsync(string identity, int number, string requestPem, CancellationToken cancellationToken)
    {
        var order = new CertificateOrderRequest(
            $"{identity}/{number}",
            identity,
            "bench",
            "node",
            requestPem,
            IssuancePriority.NewNode,
            TimeProvider.System.GetUtcNow().AddMinutes(1));
        var grain = grains.GetGrain<ICertificateIssuanceGrain>(CertificateShard.KeyFor(Issuer, identity));
        var outcome = await grain.Issue(order, cancellationToken);
        if (outcome is not IssuanceOutcome.Issued)
        {
            throw new InvalidOperationException(outcome.ToString());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        host.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
