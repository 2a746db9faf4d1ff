using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.Adapters.Fleet.Placement;
using ControlPlane.Fleet;
using ControlPlane.Inventory;
using ControlPlane.Liveness;
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
    private const string RegistrationDecoderKey = "choria-registration";
    private const string MachineDecoderKey = "choria-machine";

    /// <summary>Nodes register every five minutes; what is older than some rounds was overtaken.</summary>
    private static readonly TimeSpan RegistrationsMaxAge = TimeSpan.FromHours(1);

    /// <summary>As Choria's broker keeps them.</summary>
    private static readonly TimeSpan MachineEventsMaxAge = TimeSpan.FromDays(1);

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
        return silo.AddOverlayStreams().AddFleetEvents();
    }

    private static ISiloBuilder AddOverlayStreams(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<OverlayStreams>();
        silo.Services.AddSingleton<IHearing, FleetHearing>();
        silo.Services.AddSingleton<ISoftState, JetStreamSoftState>();
        silo.Services.AddSingleton<ISignsOfLife, StoredSignsOfLife>();
        silo.Services.AddSingleton<ILivenessAdvisories, AgeAdvisories>();
        silo.Services.AddSingleton<INodeChanges, NodeChangeWriter>();
        silo.Services.AddSingleton<NodeChangeTail>();
        silo.Services.AddSingleton<INodeChangeFeed>(services => services.GetRequiredService<NodeChangeTail>());
        silo.Services.AddHostedService(services => services.GetRequiredService<NodeChangeTail>());
        return silo;
    }

    private static ISiloBuilder AddFleetEvents(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<RegistrationTrust>();
        silo.Services.AddSingleton<RegistrationMeter>();
        silo.Services.AddKeyedSingleton<IJetStreamDecoder, LifecycleDecoder>(DecoderKey);
        silo.Services.AddKeyedSingleton<IJetStreamDecoder, RegistrationDecoder>(RegistrationDecoderKey);
        silo.Services.AddKeyedSingleton<IJetStreamDecoder, MachineDecoder>(MachineDecoderKey);

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

            foreach (var (overlay, network) in fleet.Value.Overlays.Where(overlay => overlay.Value.RegistrationStreamName.Length > 0))
            {
                streams.Sources.Add(Registrations(overlay, network));
            }

            foreach (var (overlay, network) in fleet.Value.Overlays.Where(overlay => overlay.Value.MachineStreamName.Length > 0))
            {
                streams.Sources.Add(Machines(overlay, network));
            }
        });
        return silo.AddJetStreamStreams(FleetStreams.Provider, streams =>
        {
            streams.Namespace = FleetStreams.Namespace;
            streams.Partitions = FleetStreams.Partitions;
        });
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

    private static JetStreamSourceOptions Machines(string overlay, NetworkOptions network) => new()
    {
        Name = MachineDecoder.SourceOf(overlay),
        ConnectionKey = overlay,
        JetStream = network.MachineStreamName,
        Subjects = { ChoriaSubjects.AllMachineEvents },
        DecoderKey = MachineDecoderKey,
        Create = network.CreateStream
            ? new JetStreamCreation { Subjects = { ChoriaSubjects.AllMachineEvents }, MaxAge = MachineEventsMaxAge }
            : null,
    };

    private static JetStreamSourceOptions Registrations(string overlay, NetworkOptions network)
    {
        var source = new JetStreamSourceOptions
        {
            Name = RegistrationDecoder.SourceOf(overlay),
            ConnectionKey = overlay,
            JetStream = network.RegistrationStreamName,
            DecoderKey = RegistrationDecoderKey,
            Create = network.CreateStream ? new JetStreamCreation { MaxAge = RegistrationsMaxAge } : null,
        };
        foreach (var subject in network.UsedRegistrationSubjects)
        {
            source.Subjects.Add(subject);
            source.Create?.Subjects.Add(subject);
        }

        return source;
    }
}
