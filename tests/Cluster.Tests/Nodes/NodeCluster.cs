using ControlPlane.Certificates;
using ControlPlane.Enrolment;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using ControlPlane.Store;
using ControlPlane.TestKit.Fleet;
using ControlPlane.TestKit.Provisioning;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;

namespace ControlPlane.Cluster.Tests.Nodes;

/// <summary>One silo that enrols fake nodes: real grains, an embedded CA, memory storage, no wire.</summary>
public class NodeCluster : IAsyncLifetime
{
    public const string Overlay = "overlay-1";
    private const string Issuer = "local";
    private const string Region = "test";
    private const string Memory = "memory";

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-nodes-").FullName;
    private InProcessTestCluster cluster = null!;
    private ulong sequence;

    public FakeNodes Nodes { get; } = new();

    /// <summary>How long server tokens live; null: as long as is ordered.</summary>
    protected virtual TimeSpan? ServerTokenLife => null;

    public FakeLayerFiles Layers { get; } = new();

    /// <summary>How brokers look to nodes that are configured for them.</summary>
    public FakeNodeLoginCheck Logins { get; } = new();

    public MemoryFleetState State { get; } = new();

    internal StorageOutage Outage { get; } = new();

    internal InMemoryCertificateLedger Ledger { get; } = new();

    internal MemoryLog History { get; } = new();

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSiloHost((_, host) => host.Configuration[$"LocalCa:{Issuer}:DataFolder"] = folder);
        builder.ConfigureSilo((_, silo) =>
        {
            // As Redis has it: what this codec does not know is found here, and not by an operator.
            silo.AddMemoryGrainStorage(Memory, storage => storage.Configure<Serializer>(
                (options, serializer) => options.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer)));
            silo.Services.AddKeyedSingleton<IGrainStorage>(
                Stores.Fleet, (services, _) => new InterruptibleStorage(services.GetRequiredKeyedService<IGrainStorage>(Memory), Outage));
            silo.Services.AddSingleton(Time);
            silo.AddOverlayPlacement().AddLocalCa().AddCertificates().AddProvisioning().AddFleetState();
            if (Authority is not null)
            {
                silo.Services.AddKeyedSingleton<ICertificateIssuer>(Authority.Name, Authority);
            }

            State.AddTo(silo.Services);
            silo.Services.AddSingleton<ICertificateLedger>(Ledger);
            silo.Services.AddKeyedSingleton<ILog>(Logs.Certificates, History);
            silo.Services.AddSingleton<IKeyRegister>(new InMemoryKeyRegister());
            silo.Services.Configure<CertificatesOptions>(options => options.SharedKeys = true);
            silo.Services.AddSingleton<INodeAgent>(Nodes);
            AddMore(silo.Services);
            silo.Services.AddSingleton<ILayerFiles>(Layers);
            silo.Services.AddSingleton<INodeAttestor, FakeAttestor>();
            silo.Services.AddSingleton<IExpectedNodes, FakeExpectedNodes>();
            silo.Services.AddSingleton<INodeLoginCheck>(Logins);
            silo.Services.AddSingleton<IServerTokenIssuer>(new FakeServerTokenIssuer { Life = ServerTokenLife });
            silo.Services.AddSingleton<IFleetDiscovery, FakeDiscovery>();
            silo.Services.Configure<CertificatesOptions>(
                options => options.Profiles["node"] = new CertificateProfile { Issuers = [Authority?.Name ?? Issuer] });

            // Most tests leave their nodes on their way.
            silo.Services.Configure<AdmissionOptions>(options => options.ArrivalsAwaitedMin = options.ArrivalsAwaitedMax);
            silo.Services.Configure(Admission);
            silo.Services.Configure<ProvisioningOptions>(options => options.Issuers["choria"] = new string('a', 64));
            silo.Services.Configure(Provisioning);
            silo.Services.Configure(Proof);
            silo.Services.Configure<OverlaysOptions>(options =>
            {
                options.Region = Region;
                options.Local = Overlay;
                options.Members[Overlay] = new OverlayOptions { Brokers = ["nats://127.0.0.1:4222"] };
            });
        });
        cluster = builder.Build();
        await cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await cluster.StopAllSilosAsync();
        await cluster.DisposeAsync();
        Directory.Delete(folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>The clock of the silo.</summary>
    protected virtual TimeProvider Time => TimeProvider.System;

    /// <summary>The CA that signs; an embedded one when null.</summary>
    protected virtual ScriptedIssuer? Authority => null;

    /// <summary>What else the silo has; nothing by default.</summary>
    protected virtual void AddMore(IServiceCollection services)
    {
    }

    /// <summary>How nodes are let in; the defaults when not given.</summary>
    internal Action<AdmissionOptions> Admission { get; init; } = _ => { };

    /// <summary>How nodes are enrolled; the defaults when not given.</summary>
    internal Action<ProvisioningOptions> Provisioning { get; init; } = _ => { };

    /// <summary>What nodes must show; nothing when not given.</summary>
    internal Action<NodeProofOptions> Proof { get; init; } = _ => { };

    internal IInternalEnrolmentControlGrain Control => cluster.Client.GetGrain<IInternalEnrolmentControlGrain>(Overlay);

    internal IOverlayPlacementGrain Places => cluster.Client.GetOverlay(Region, Overlay);

    /// <summary>The region's copy follows its overlays, and is a moment behind.</summary>
    internal Task UntilPlaced(string identity, bool isPlaced) => TestKit.Readiness.UntilAsync(
        async _ => await Placement.Explain(identity) is not null == isPlaced,
        $"the region has heard what became of {identity}",
        TestContext.Current.CancellationToken);

    internal IInternalPlacementGrain Placement => cluster.Client.GetGrain<IInternalPlacementGrain>(Region);

    internal IPlacementPolicyGrain Policies => cluster.Client.GetGrain<IPlacementPolicyGrain>(Region);

    /// <summary>The slice that a node belongs to.</summary>
    internal IInternalFleetSliceGrain Roster(string identity) => Slice(FleetSlices.NumberOf(identity));

    internal IInternalFleetSliceGrain Slice(int number) => cluster.Client.GetGrain<IInternalFleetSliceGrain>(FleetSlices.KeyOf(number));

    internal Task<SimpleGrainStatistic[]> Statistics() => cluster.Client.GetGrain<IManagementGrain>(0).GetSimpleGrainStatistics();

    /// <summary>One of the silo's own parts.</summary>
    internal T Service<T>()
        where T : notnull => cluster.GetSiloServiceProvider().GetRequiredService<T>();

    internal IInternalNodeGrain Node(string identity) => cluster.Client.GetGrain<IInternalNodeGrain>(identity);

    /// <summary>The node says that it started in provisioning mode.</summary>
    internal async Task<FleetEvent> Start(string identity)
    {
        var started = StartOf(identity);
        await Observe(started);
        return started;
    }

    /// <summary>An event is delivered. The node is none of those that must first show a token.</summary>
    internal async Task Observe(FleetEvent heard)
    {
        if ((await Roster(heard.Identity).List(null, null, 1000)).All(entry => entry.Identity != heard.Identity))
        {
            await Roster(heard.Identity).Record(UnknownOf(heard.Identity));
        }

        await Roster(heard.Identity).Observe([heard]);
    }

    internal RosterEntry UnknownOf(string identity) => new(identity, NodeStage.Unknown, null, null, Time.GetUtcNow(), null);

    /// <summary>The node answers a sweep.</summary>
    internal Task AnswerSweep(string identity) => Roster(identity).RecordSweepAnswers([new SweepAnswer(identity, Time.GetUtcNow())]);

    /// <summary>The node says that it started on its overlay.</summary>
    internal Task Arrive(string identity) => Observe(ArrivalOf(identity));

    internal FleetEvent StartOf(string identity) => Event(identity, "provision_mode_server", FleetStreams.ProvisioningNetwork);

    internal FleetEvent ArrivalOf(string identity) => Event(identity, "server", Overlay);

    /// <summary>Waits until the node stands as a test wants it.</summary>
    internal async Task<NodeSnapshot> Until(string identity, Func<NodeSnapshot, bool> condition)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(3));
        while (true)
        {
            var snapshot = await Node(identity).Get();
            if (condition(snapshot))
            {
                return snapshot;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
        }
    }

    /// <summary>Waits until the silo knows what its overlay's control says: it reads it once a second.</summary>
    internal async Task UntilKnown(Func<EnrolmentControl, bool> condition)
    {
        var cache = cluster.GetSiloServiceProvider().GetRequiredService<ControlCache>();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(3));
        while (cache.Controls.Find(Overlay) is not { } control || !condition(control))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
        }
    }

    internal Task<ControlPlane.Certificates.LedgerEntry?> Order(string identity, int attempt) =>
        Ledger.ReadAsync(Issuer, $"{identity}/{attempt}", TestContext.Current.CancellationToken);

    /// <summary>Waits until an order stands as a test wants it.</summary>
    internal async Task UntilOrder(string identity, int attempt, LedgerState state)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(3));
        while ((await Order(identity, attempt))?.State != state)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
        }
    }

    /// <summary>Ends all idle activations: the next call restores from the store.</summary>
    internal Task DeactivateAll() => cluster.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);

    private FleetEvent Event(string identity, string component, string network)
    {
        var now = Time.GetUtcNow();
        return new FleetEvent(
            identity, FleetEventKind.Startup, component, "0.30.2", now, now, network, Interlocked.Increment(ref sequence));
    }
}
