using ControlPlane.Adapters.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Orleans.Hosting;

/// <summary>Guards the ports of silos, and lets clients through them.</summary>
public static class TransportHosting
{
    /// <summary>Lets only silos of the site reach the silo's port, and only clients of the site the gateway's.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="credentials">By what they are known; asked once, when the silo starts. The site is its <c>ServiceId</c>.</param>
    public static ISiloBuilder AddPeerGuard(this ISiloBuilder silo, Func<IServiceProvider, PeerCredentials> credentials)
    {
        silo.Services.AddPeerGuard(credentials, makesSecret: true);
        silo.Services.AddOptions<SiloConnectionOptions>().Configure<IPeerGuard>((connections, guard) =>
        {
            connections.ConfigureSiloInboundConnection(port => guard.Accept(port, PeerRole.Silo));
            connections.ConfigureSiloOutboundConnection(others => guard.Connect(others, PeerRole.Silo));
            connections.ConfigureGatewayInboundConnection(port => guard.Accept(port, PeerRole.Client));
        });
        return silo;
    }

    /// <summary>
    /// Connects an Orleans client to a site. Where its gateways are is for the caller to say, e.g. by <c>UseStaticClustering</c>.
    /// </summary>
    /// <param name="client">The client.</param>
    /// <param name="site">The site's name: <c>Overlays:Local</c> of its silos.</param>
    /// <param name="generation">Their <c>Silo:Generation</c>.</param>
    /// <param name="credentials">What the silos know the client by.</param>
    public static IClientBuilder AddControlPlaneClient(
        this IClientBuilder client, string site, string generation, PeerCredentials credentials)
    {
        client.Configure<ClusterOptions>(cluster =>
        {
            cluster.ServiceId = site;
            cluster.ClusterId = ClusterIdOf(site, generation);
        });
        client.Services.AddPeerGuard(_ => credentials, makesSecret: false);
        client.Services.AddOptions<ClientConnectionOptions>().Configure<IPeerGuard>(
            (connections, guard) => connections.ConfigureConnection(silos => guard.Connect(silos, PeerRole.Client)));
        return client;
    }

    /// <summary>What the silos of one site and generation call their cluster.</summary>
    public static string ClusterIdOf(string site, string generation) => $"{site}@{generation}";

    private static void AddPeerGuard(
        this IServiceCollection services, Func<IServiceProvider, PeerCredentials> credentials, bool makesSecret)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<IPeerGuard>(provider =>
        {
            var logger = provider.GetRequiredService<ILoggerFactory>().CreateLogger("ControlPlane.Transport");
            return credentials(provider) switch
            {
                PeerCredentials.Certificate certificate => new TlsGuard(
                    provider.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId, certificate, logger),
                PeerCredentials.Secret { File: var file } => new SecretGuard(
                    makesSecret ? LocalSecret.ReadOrMake(file) : LocalSecret.Read(file),
                    provider.GetRequiredService<TimeProvider>(),
                    logger),
                _ => throw new System.Diagnostics.UnreachableException(),
            };
        });
    }
}
