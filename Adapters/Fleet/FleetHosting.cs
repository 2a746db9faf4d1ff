using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.Adapters.Fleet.Placement;
using ControlPlane.Fleet;
using ControlPlane.Overlays;
using ControlPlane.Provisioning;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace Orleans.Hosting;

/// <summary>Registers how the silo reaches its fleet.</summary>
public static class FleetHosting
{
    private const string DecoderKey = "choria-lifecycle";

    /// <summary>
    /// Adds the connections to the provisioning network and the overlays, RPC to nodes, discovery, attestation and server tokens,
    /// configured by the section <c>Fleet</c>; and the stream provider <c>fleet</c>, which reads the networks' lifecycle events.
    /// </summary>
    public static ISiloBuilder AddFleet(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<FleetOptions>().BindConfiguration(FleetOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<FleetOptions>, FleetOptionsValidator>();

        silo.Services.AddSingleton<FleetConnections>();
        silo.Services.AddSingleton<SharedSecret>();
        silo.Services.AddSingleton<Caller>();
        silo.Services.AddSingleton<ReplyTrust>();
        silo.Services.AddSingleton<NodeCalls>();
        silo.Services.AddSingleton<INodeAgent, ChoriaNodeAgent>();
        silo.Services.AddSingleton<IFleetDiscovery, ChoriaDiscovery>();
        silo.Services.AddSingleton<INodeAttestor, ProvisioningTokenAttestor>();
        silo.Services.AddSingleton<IServerTokenIssuer, ChoriaServerTokenIssuer>();
        silo.Services.AddSingleton<IPlacementLink, NatsPlacementLink>();
        silo.Services.AddHostedService<PlacementDoor>();
        return silo.AddFleetEvents();
    }

    private static ISiloBuilder AddFleetEvents(this ISiloBuilder silo)
    {
        silo.Services.AddKeyedSingleton<IJetStreamDecoder, LifecycleDecoder>(DecoderKey);

        // Streams share the first of the connections over which nodes are called: no network costs a connection more.
        silo.Services.AddKeyedSingleton<INatsConnection>(
            KeyedService.AnyKey, (services, network) => services.GetRequiredService<FleetConnections>().Of((string)network!)[0]);

        silo.Services.AddOptions<JetStreamStreamOptions>(FleetStreams.Provider).Configure<IOptions<FleetOptions>>((streams, fleet) =>
        {
            var networks = fleet.Value.Overlays.Prepend(new(FleetStreams.ProvisioningNetwork, fleet.Value.Provisioning));
            foreach (var (name, network) in networks.Where(network => network.Value.StreamName.Length > 0))
            {
                streams.Sources.Add(Source(name, network));
            }
        });
        return silo.AddJetStreamStreams(FleetStreams.Provider, streams => streams.Namespace = FleetStreams.Namespace);
    }

    private static JetStreamSourceOptions Source(string name, NetworkOptions network) => new()
    {
        Name = name,
        ConnectionKey = name,
        JetStream = network.StreamName,
        Subjects = { ChoriaSubjects.AllLifecycleEvents },
        DecoderKey = DecoderKey,
        Create = network.CreateStream ? new JetStreamCreation { Subjects = { ChoriaSubjects.AllLifecycleEvents } } : null,
    };
}
