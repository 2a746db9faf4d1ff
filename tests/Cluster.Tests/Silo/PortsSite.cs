using System.Net;
using ControlPlane.Adapters.Transport;
using ControlPlane.Hosting;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Hosting;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>Silos of one site with the product's own runtime on real ports and a real Redis, and who would like to reach them.</summary>
internal sealed class PortsSite : IAsyncDisposable
{
    public const string Name = "eu-1";

    /// <summary>How long a stranger tries to join.</summary>
    private static readonly TimeSpan StrangersPatience = TimeSpan.FromSeconds(5);

    private readonly List<IHost> hosts = [];
    private readonly RedisServer redis;

    private PortsSite(RedisServer redis) => this.redis = redis;

    /// <summary>What silos and clients said.</summary>
    public KeptLog Log { get; } = new();

    public static Task<PortsSite> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new RedisServerSettings(), cancellationToken);

    public static async Task<PortsSite> StartAsync(RedisServerSettings settings, CancellationToken cancellationToken) =>
        new(await RedisServer.StartAsync(settings, cancellationToken));

    /// <summary>Starts a silo; it joined when this returns.</summary>
    /// <param name="settings">What is configured beside the site.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <param name="isGuarded">Whether its ports are the product's; else they are as Orleans has them.</param>
    /// <param name="isStranger">Whether it is expected not to join; others have as long as a busy machine needs.</param>
    public async Task<(int Port, int Gateway)> StartSiloAsync(
        IEnumerable<(string Key, string Value)> settings,
        CancellationToken cancellationToken,
        bool isGuarded = true,
        bool isStranger = false)
    {
        var (port, gateway) = (LoopbackPort.Free(), LoopbackPort.Free());
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseTestServer();
        builder.Configuration.AddInMemoryCollection(settings
            .Concat([
                ("Redis:Endpoints:0", $"127.0.0.1:{redis.Port}"), ("Overlays:Local", Name), ("Overlays:Region", "eu"),
                ("Silo:Port", $"{port}"), ("Silo:GatewayPort", $"{gateway}"),
            ])
            .DistinctBy(one => one.Item1).ToDictionary(one => one.Item1, one => (string?)one.Item2));
        builder.Services.AddOptions<OverlaysOptions>().BindConfiguration(OverlaysOptions.Section);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Logging.AddProvider(Log);
        builder.Services.AddSingleton<IFatalErrorHandler>(new Survivor(Log));
        builder.AddRedis();
        builder.Host.UseOrleans(silo => silo.AddRuntime()
            .Configure<ClusterMembershipOptions>(
                membership => membership.MaxJoinAttemptTime = isStranger ? StrangersPatience : Readiness.Deadline));
        if (!isGuarded)
        {
            builder.Services.RemoveAll<IConfigureOptions<SiloConnectionOptions>>();
        }

        var app = builder.Build();
        hosts.Add(app);
        await app.StartAsync(cancellationToken);
        return (port, gateway);
    }

    /// <summary>Connects a client; without credentials one as Orleans makes it.</summary>
    /// <param name="gateway">The silo's port for clients.</param>
    /// <param name="credentials">By what it proves itself.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <param name="isStranger">
    /// Whether it is expected not to be let in. Others try again: on a busy machine Orleans' 5 seconds for a connection are over too soon.
    /// </param>
    public async Task<IClusterClient> ConnectAsync(
        int gateway, PeerCredentials? credentials, CancellationToken cancellationToken, bool isStranger = false)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Readiness.Deadline);
        var host = GatewayClient.Build(Name, gateway, credentials, Log, () => !isStranger && !deadline.IsCancellationRequested);
        hosts.Add(host);
        await host.StartAsync(cancellationToken);
        return host.Services.GetRequiredService<IClusterClient>();
    }

    /// <summary>The silos that the cluster takes for its own.</summary>
    public static async Task<IReadOnlyList<int>> MembersAsync(IClusterClient client)
    {
        var management = await GatewayClient.FindAsync(client, grains => grains.GetGrain<IManagementGrain>(0));
        return [.. (await management.GetHosts(onlyActive: true)).Keys.Select(silo => silo.Endpoint.Port).Order()];
    }

    public async ValueTask DisposeAsync()
    {
        // Clients before silos, silos that never joined too.
        foreach (var host in hosts.AsEnumerable().Reverse())
        {
            try
            {
                await host.StopAsync(CancellationToken.None);
            }
            catch (Exception neverStarted) when (
                neverStarted is InvalidOperationException or OrleansException or OperationCanceledException)
            {
                await EndDirectoryAsync(host);
            }

            host.Dispose();
        }

        await redis.DisposeAsync();
        Log.Dispose();
    }

    // A silo that was refused cannot be stopped. Orleans 10.4 leaves its directory running, which goes round and round without a pause as
    // soon as the silo's services are disposed of: a core for each such silo, until the process ends.
    private static async Task EndDirectoryAsync(IHost host)
    {
        var type = typeof(Orleans.Runtime.IFatalErrorHandler).Assembly.GetType("Orleans.Runtime.GrainDirectory.LocalGrainDirectory")!;
        if (host.Services.GetService(type) is { } directory)
        {
            await (Task)type.GetMethod("StopAsync")!.Invoke(directory, null)!;
        }
    }
}
