using ControlPlane.Adapters.Fleet;
using ControlPlane.Provisioning;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers how the silo reaches its fleet.</summary>
public static class FleetHosting
{
    /// <summary>
    /// Adds the connections to the provisioning network and the overlays, RPC to nodes, discovery, attestation and server tokens,
    /// configured by the section <c>Fleet</c>.
    /// </summary>
    public static ISiloBuilder AddFleet(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<FleetOptions>().BindConfiguration(FleetOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<FleetOptions>, FleetOptionsValidator>();

        silo.Services.AddSingleton<FleetConnections>();
        silo.Services.AddSingleton<SharedSecret>();
        silo.Services.AddSingleton<Caller>();
        silo.Services.AddSingleton<NodeCalls>();
        silo.Services.AddSingleton<INodeAgent, ChoriaNodeAgent>();
        silo.Services.AddSingleton<IFleetDiscovery, ChoriaDiscovery>();
        silo.Services.AddSingleton<INodeAttestor, ProvisioningTokenAttestor>();
        silo.Services.AddSingleton<IServerTokenIssuer, ChoriaServerTokenIssuer>();
        return silo;
    }
}
