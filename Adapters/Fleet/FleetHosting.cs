using ControlPlane;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Access;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Fleet.Ddl;
using ControlPlane.Adapters.Fleet.Replication;
using ControlPlane.Adapters.Fleet.Rpc;
using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Adapters.Nats;
using ControlPlane.Fleet;
using ControlPlane.Flow;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Replication;
using ControlPlane.Sites;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace Orleans.Hosting;

/// <summary>Registers how the silo reaches its fleet.</summary>
public static class FleetHosting
{
    /// <summary>
    /// Adds the connections to the provisioning network and to overlays, RPC to nodes, discovery, attestation and server tokens,
    /// configured by the section <c>Fleet</c>; and the stream provider <c>fleet</c>, which reads the networks' lifecycle events.
    /// </summary>
    public static ISiloBuilder AddFleet(this ISiloBuilder silo)
    {
        silo.Services.AddOptions<FleetOptions>().BindConfiguration(FleetOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<FleetOptions>, FleetOptionsValidator>();
        silo.Services.AddSingleton<IValidateOptions<FleetOptions>, FleetCredentialsValidator>();

        silo.Services.AddSingleton<CredentialEnds>();
        silo.Services.AddSingleton<CredentialWatch>();
        silo.Services.AddRounds<CredentialWatch>(
            "watch of credentials", TimeSpan.FromHours(12), watch => watch.Warn(), isDueAtOnce: true);
        silo.Services.AddSingleton<FleetConnections>();
        silo.Services.AddSingleton(services => new FleetBrokersHealth(
            services.GetRequiredService<FleetConnections>(),
            services.GetRequiredService<IOptions<FleetOptions>>(),
            services.GetRequiredService<IOptions<OverlaysOptions>>(),
            services.GetRequiredService<TimeProvider>()));
        silo.Services.AddSingleton<SharedSecret>();
        silo.Services.AddSingleton<RegionCaller>();
        silo.Services.AddSingleton<ReplyTrust>();
        silo.Services.AddSingleton<Contests>();
        silo.Services.AddSingleton<ReplyInboxes>();
        silo.Services.AddSingleton<NodeCalls>();
        silo.Services.AddSingleton<RpcMeter>();
        silo.Services.AddSingleton<INodeRpc, ChoriaNodeRpc>();
        silo.Services.AddOptions<DdlOptions>().BindConfiguration(DdlOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IAgentDdls, AgentDdls>();
        silo.Services.AddSingleton<IJobEvents, NatsJobEvents>();
        silo.Services.AddSingleton<INodeAgent, ChoriaNodeAgent>();
        silo.Services.AddSingleton<IFleetDiscovery, ChoriaDiscovery>();
        silo.Services.AddSingleton<INodeAttestor, ProvisioningTokenAttestor>();
        silo.Services.AddSingleton<IExpectedNodes, AllowList>();
        silo.Services.AddSingleton<INodeLoginCheck, NodeLoginCheck>();
        silo.Services.AddSingleton<IValidateOptions<NodeProofOptions>, NodeProofOptionsValidator>();
        silo.Services.TryAddSingleton<OwnTokenIssuer>();
        silo.Services.AddSingleton<IServerTokenIssuer, ChoriaServerTokenIssuer>();
        silo.Services.AddOptions<SitesOptions>().BindConfiguration(SitesOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<SitesOptions>, SitesOptionsValidator>();
        silo.Services.AddSingleton<SiteSeals>();
        silo.Services.AddSingleton<ISiteLink, NatsSiteLink>();
        silo.Services.AddSingleton<SiteLinkServer>();
        silo.Services.AddRounds<SiteLinkServer>(server => server.Rounds);
        silo.Services.AddOptions<ReplicationOptions>().BindConfiguration(ReplicationOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<ReplicationOptions>, ReplicationOptionsValidator>();
        silo.Services.AddSingleton<IStreamReplication, StreamReplication>();
        silo.Services.AddOptions<AccessBrokersOptions>().BindConfiguration(AccessBrokersOptions.Section).ValidateOnStart();
        silo.Services.AddSingleton<IValidateOptions<AccessBrokersOptions>, AccessBrokersOptionsValidator>();
        silo.Services.AddSingleton<NodeSessions>();
        silo.Services.AddSingleton<LogInMeter>();
        silo.Services.AddHostedService<BrokerAccess>();
        return silo.AddOverlayStreams().AddFleetEvents();
    }

    private static ISiloBuilder AddOverlayStreams(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<OverlayStreams>();
        silo.Services.AddSingleton(services => new OverlayStreamsTrial(services.GetRequiredService<OverlayStreams>()));
        silo.Services.AddSingleton<IFleetConnectivity, FleetConnectivity>();
        silo.Services.AddSingleton<IRegister>(services => new OverlayRegister(
            services.GetRequiredService<OverlayStreams>(), OverlayStreams.State));
        silo.Services.AddKeyedSingleton<IRegister>(Registers.Jobs, (services, _) => new OverlayRegister(
            services.GetRequiredService<OverlayStreams>(), Registers.Jobs));
        foreach (var log in (string[])[Logs.Changes, Logs.Advisories, Logs.Certificates, Logs.Audit, Logs.Jobs])
        {
            silo.Services.AddKeyedSingleton<ILog>(log, (services, _) => new OverlayLog(services.GetRequiredService<OverlayStreams>(), log));
        }

        silo.Services.AddSingleton<ISignsOfLife, StoredSignsOfLife>();
        silo.Services.AddSingleton<ILivenessAdvisories, AgeAdvisories>();
        return silo;
    }

    private static ISiloBuilder AddFleetEvents(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<NodeTrust>();
        silo.Services.AddSingleton<NodeMessageMeter>();
        silo.Services.AddSingleton<RejectedRegistrations>();
        silo.Services.AddKeyedSingleton<IJetStreamDecoder>(FleetSource.LifecycleKey, (services, _) => new LifecycleDecoder(
            services.GetRequiredService<IOptions<FleetOptions>>().Value, services.GetRequiredService<IOptions<OverlaysOptions>>().Value));
        silo.Services.AddKeyedSingleton<IJetStreamDecoder, RegistrationDecoder>(FleetSource.RegistrationKey);
        silo.Services.AddKeyedSingleton<IJetStreamDecoder, MachineDecoder>(FleetSource.MachineKey);
        silo.Services.AddKeyedSingleton<IJetStreamDecoder, SubmissionDecoder>(FleetSource.SubmissionKey);

        // Streams share the first of the connections over which nodes are called: no network costs a connection more.
        silo.Services.AddKeyedSingleton<INatsConnection>(
            KeyedService.AnyKey, (services, network) => services.GetRequiredService<FleetConnections>().Of((string)network!)[0]);

        silo.Services.AddOptions<JetStreamStreamOptions>(FleetStreams.Provider)
            .Configure<IOptions<FleetOptions>, IOptions<OverlaysOptions>>((streams, fleet, overlays) =>
            {
                streams.DeadLettersMaxAge = fleet.Value.DeadLettersMaxAge;
                streams.DeadLettersBytesMax = fleet.Value.DeadLettersBytesMax;
                foreach (var source in FleetSource.Of(fleet.Value, overlays.Value))
                {
                    streams.Sources.Add(source.ToOptions());
                }
            });
        return silo.AddJetStreamStreams(FleetStreams.Provider, streams =>
        {
            streams.Namespace = FleetStreams.Namespace;
            streams.Partitions = FleetSlices.Count;
        });
    }
}
