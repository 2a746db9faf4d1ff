using System.Net;
using ControlPlane.Adapters.Transport;
using ControlPlane.TestKit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Hosting;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>An Orleans client of a silo's gateway, as a workflow engine has one.</summary>
internal static class GatewayClient
{
    /// <summary>A client that is not started yet.</summary>
    /// <param name="site">The site's name.</param>
    /// <param name="gateway">The silo's port for clients, on loopback.</param>
    /// <param name="credentials">By what it proves itself; null for one as Orleans makes it.</param>
    /// <param name="log">Hears what it says.</param>
    /// <param name="triesAgain">Whether it connects once more when it was not let in.</param>
    public static IHost Build(string site, int gateway, PeerCredentials? credentials, ILoggerProvider log, Func<bool> triesAgain)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddProvider(log);
        builder.UseOrleansClient(client =>
        {
            client.UseStaticClustering(new IPEndPoint(IPAddress.Loopback, gateway));
            client.UseConnectionRetryFilter((_, _) => Task.FromResult(triesAgain()));
            if (credentials is not null)
            {
                client.AddControlPlaneClient(site, "1", credentials);
                return;
            }

            client.Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = (site, $"{site}@1"));
        });
        return builder.Build();
    }

    /// <summary>A grain's reference. A client that has just connected may not have heard yet which grains there are.</summary>
    public static async Task<TGrain> FindAsync<TGrain>(IClusterClient client, Func<IClusterClient, TGrain> get)
        where TGrain : class
    {
        TGrain? grain = null;
        await Readiness.UntilAsync(
            _ =>
            {
                try
                {
                    grain = get(client);
                    return Task.FromResult(true);
                }
                catch (ArgumentException)
                {
                    return Task.FromResult(false);
                }
            },
            "the client knows which grains there are",
            TestContext.Current.CancellationToken);
        return grain!;
    }
}
